import { after, before, describe } from "node:test";
import { conformance } from "@etcd-adapter/plugin-kit";
import { isRequired, startZooKeeper, startZooKeeperEnsemble } from "@etcd-adapter/test/dist/servers/index.js";
import zookeeper from "./index.js";

type Server = AsyncDisposable & { freshChroot(): Promise<string> };

const servers: Record<string, () => Promise<Server>> = {
  "one server": startZooKeeper,
  "3 servers": startZooKeeperEnsemble,
};

if (isRequired("zookeeper"))
  for (const [name, start] of Object.entries(servers))
    describe(`zookeeper, ${name}`, { timeout: 900_000 }, () => {
      let server: Server;
      before(async () => {
        server = await start();
      });
      after(() => server?.[Symbol.asyncDispose]());

      const backend = async () => ({ url: await server.freshChroot() });
      conformance({ plugin: zookeeper, backend });
    });
