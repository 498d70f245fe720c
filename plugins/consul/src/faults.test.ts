import {
  type ConsulCluster,
  isRequired,
  startConsul,
  startConsulCluster,
} from "@etcd-adapter/test/dist/servers/index.js";
import { logFaults } from "@etcd-adapter/test/dist/storage-faults/index.js";
import consul from "./index.js";

const prefixOf = (url: string) => url.split("/").at(-1)!;

/** Each begins at another agent and knows all of them. */
async function freshUrls({ nodes, freshPrefix }: ConsulCluster): Promise<string[]> {
  const prefix = prefixOf(await freshPrefix());
  const addresses = nodes.map((node) => `${node.host}:${node.port}`);
  return addresses.map((_, first) => {
    const inTurn = [...addresses.slice(first), ...addresses.slice(0, first)];
    return `consul://${inTurn.join(",")}/${prefix}`;
  });
}

if (isRequired("consul"))
  logFaults({
    name: "consul",
    plugin: consul,
    options: { "watch-wait-ms": 1_000 },
    entrySizeOption: "max-value-bytes",
    electionMs: 5_000,
    start: startConsul,
    freshUrl: (server) => server.freshPrefix(),
    partsLeft: async (server, url) => {
      const answer = await server.request(`/v1/kv/${prefixOf(url)}/parts/?keys`);
      return answer.status === 404 ? [] : ((await answer.json()) as string[]);
    },
    startCluster: async () => {
      const cluster = await startConsulCluster(3);
      return { cluster, freshUrls: () => freshUrls(cluster) };
    },
  });
