/*
 * How long a put through one adapter takes to a watcher on another: node test/dist/load/latency.js [BACKEND …]
 * 20 puts a second for 30 s on a server that nothing else uses; the time is from the put's start to the event.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { KV } from "@etcd-adapter/core/proto/etcdserverpb/kv_pb";
import { Watch } from "@etcd-adapter/core/proto/etcdserverpb/watch_pb";
import { startAdapterProcess } from "../adapter/start.js";
import { GrpcClient } from "../client/grpc-client.js";
import { startConsul, startMariadb, startPostgres, startTidb, startZooKeeper } from "../servers/index.js";

const PUTS = 600;
const INTERVAL_MS = 50;
/** Of these, none is counted: programs and caches warm up. */
const FIRST = 100;

interface Started {
  readonly url: string;
  discard(): Promise<void>;
}

const BACKENDS: Record<string, () => Promise<Started>> = {
  postgres: () => sql(startPostgres),
  mariadb: () => sql(startMariadb),
  tidb: () => sql(startTidb),
  consul: async () => {
    const server = await startConsul();
    return { url: await server.freshPrefix(), discard: () => server.discard() };
  },
  zookeeper: async () => {
    const server = await startZooKeeper();
    return { url: await server.freshChroot(), discard: () => server.discard() };
  },
};

async function sql(
  start: () => Promise<{ freshDatabase(): Promise<string>; discard(): Promise<void> }>,
): Promise<Started> {
  const server = await start();
  return { url: await server.freshDatabase(), discard: () => server.discard() };
}

/** Milliseconds from each put's start to its answer, and to its event at the other adapter. */
async function measure(url: string): Promise<{ answers: number[]; events: number[] }> {
  const [writing, watching] = await Promise.all([startAdapterProcess(url), startAdapterProcess(url)]);
  const writer = new GrpcClient(writing.address);
  const watcher = new GrpcClient(watching.address);
  const key = Buffer.from("k");
  const stream = watcher.stream(Watch.method.watch);
  stream.send({ requestUnion: { case: "createRequest", value: { key } } });
  await stream.next();
  const answers: number[] = [];
  const events: number[] = [];
  for (let put = 0; put < FIRST + PUTS; put++) {
    const start = performance.now();
    const answered = writer
      .unary(KV.method.put, { key, value: Buffer.from(`${put}`) })
      .then(() => performance.now() - start);
    const event = await stream.next(30_000);
    if (event?.events.length !== 1) throw new Error(`no event, or several: ${event?.events.length}`);
    const seen = performance.now() - start;
    const answer = await answered;
    if (put >= FIRST) {
      answers.push(answer);
      events.push(seen);
    }
    await sleep(Math.max(0, INTERVAL_MS - (performance.now() - start)));
  }
  stream.cancel();
  writer.close();
  watcher.close();
  await Promise.all([writing.stop(), watching.stop()]);
  return { answers, events };
}

function shown(times: number[]): string {
  times.sort((a, b) => a - b);
  const at = (part: number) => times[Math.floor((times.length - 1) * part)]!.toFixed(1);
  return `p50 ${at(0.5)} ms, p99 ${at(0.99)} ms`;
}

const chosen = process.argv.slice(2);
for (const name of chosen.length > 0 ? chosen : Object.keys(BACKENDS)) {
  const start = BACKENDS[name];
  if (!start) throw new Error(`no backend is called ${name}: ${Object.keys(BACKENDS).join(", ")}`);
  const backend = await start();
  const { answers, events } = await measure(backend.url);
  console.log(`${name}: answer ${shown(answers)}; event at the other adapter ${shown(events)}`);
  await backend.discard();
}
