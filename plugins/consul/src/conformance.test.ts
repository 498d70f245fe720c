import { after, before, describe } from "node:test";
import { conformance } from "@etcd-adapter/plugin-kit";
import {
  type Cluster,
  type ConsulServer,
  isRequired,
  startConsulCluster,
} from "@etcd-adapter/test/dist/servers/index.js";
import consul from "./index.js";

if (isRequired("consul"))
  for (const size of [1, 3])
    describe(`consul, ${size === 1 ? "one server" : `${size} servers`}`, { timeout: 900_000 }, () => {
      let cluster: Cluster<ConsulServer>;
      let turn = 0;
      before(async () => {
        cluster = await startConsulCluster(size);
      });
      after(() => cluster?.[Symbol.asyncDispose]());

      // every test through another agent
      const backend = async () => ({ url: await cluster.nodes[turn++ % size]!.freshPrefix() });
      conformance({ plugin: consul, backend });
    });
