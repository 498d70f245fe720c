import { after, before, describe } from "node:test";
import { conformance } from "@etcd-adapter/plugin-kit";
import {
  isRequired,
  type SqlServer,
  startMariadb,
  startTidb,
} from "@etcd-adapter/test/dist/servers/index.js";
import mysql from "./index.js";

const SERVERS = { mariadb: startMariadb, tidb: startTidb } as const;

for (const [name, start] of Object.entries(SERVERS))
  if (isRequired(name as keyof typeof SERVERS))
    describe(name, { timeout: 3_600_000 }, () => {
      let server: SqlServer;
      before(async () => {
        server = await start();
      });
      after(() => server?.[Symbol.asyncDispose]());

      const backend = async () => ({ url: await server.freshDatabase() });
      conformance({ plugin: mysql, backend });
    });
