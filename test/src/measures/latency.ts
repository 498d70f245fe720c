/**
 * How long a put through one adapter takes to a watcher on another, one put after another on a server that nothing else
 * uses: `npm run build && node test/dist/measures/latency.js [postgres] [mariadb] [tidb] [consul] [zookeeper]`.
 */
import { startAdapterProcess } from "../adapter/start.js";
import { GrpcClient } from "../client/grpc-client.js";
import { percentiles, putToWatch } from "../histories/latency.js";
import {
  type ServerProcess,
  startConsul,
  startMariadb,
  startPostgres,
  startTidb,
  startZooKeeper,
} from "../servers/index.js";

const SAMPLES = 600;
/** Not counted: programs and caches warm up. */
const FIRST_SAMPLES = 200;
const MOST_MS = 60_000;

interface Started {
  readonly server: ServerProcess;
  readonly url: string;
}

const BACKENDS: Record<string, () => Promise<Started>> = {
  postgres: async () => sql(await startPostgres()),
  mariadb: async () => sql(await startMariadb()),
  tidb: async () => sql(await startTidb()),
  consul: async () => {
    const server = await startConsul();
    return { server, url: await server.freshPrefix() };
  },
  zookeeper: async () => {
    const server = await startZooKeeper();
    return { server, url: await server.freshChroot() };
  },
};

async function sql(server: ServerProcess & { freshDatabase(): Promise<string> }): Promise<Started> {
  return { server, url: await server.freshDatabase() };
}

async function measure({ url }: Started): Promise<string> {
  const adapters = await Promise.all([startAdapterProcess(url), startAdapterProcess(url)]);
  const [writer, reader] = adapters.map(({ address }) => ({ client: new GrpcClient(address) }));
  await putToWatch(writer!, reader!, FIRST_SAMPLES, MOST_MS);
  const { answer, event } = await putToWatch(writer!, reader!, SAMPLES, MOST_MS);
  for (const { client } of [writer!, reader!]) client.close();
  for (const adapter of adapters) await adapter.stop();
  return `answer ${percentiles(answer)}; event at the other adapter ${percentiles(event)}`;
}

const chosen = process.argv.slice(2);
for (const name of chosen.length > 0 ? chosen : Object.keys(BACKENDS)) {
  const start = BACKENDS[name];
  if (!start) throw new Error(`${name} is none of ${Object.keys(BACKENDS).join(", ")}`);
  const started = await start();
  console.log(`${name}: ${await measure(started)}`);
  await started.server[Symbol.asyncDispose]();
}
