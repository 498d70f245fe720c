import { after, before, describe } from "node:test";
import { conformance } from "@etcd-adapter/plugin-kit";
import { isRequired, type PostgresServer, startPostgres } from "@etcd-adapter/test/dist/servers/index.js";
import postgres from "./index.js";

if (isRequired("postgres"))
  describe("postgres", { timeout: 1_800_000 }, () => {
    let server: PostgresServer;
    before(async () => {
      server = await startPostgres();
    });
    after(() => server?.[Symbol.asyncDispose]());

    const backend = async () => ({ url: await server.freshDatabase() });
    conformance({ plugin: postgres, backend });
  });
