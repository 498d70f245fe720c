/**
 * How Consul and ZooKeeper carry a large key space: `npm run build && node test/dist/measures/coordinators.js
 * [consul] [zookeeper] [--keys=100000] [--value-bytes=256]` prints a table for each. It starts a server of its own.
 */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { KV } from "@etcd-adapter/core/proto/etcdserverpb/kv_pb";
import { Maintenance } from "@etcd-adapter/core/proto/etcdserverpb/maintenance_pb";
import { type AdapterProcess, startAdapterProcess } from "../adapter/start.js";
import { GrpcClient } from "../client/grpc-client.js";
import { percentiles, putToWatch } from "../histories/latency.js";
import { type ServerProcess, startConsul, startZooKeeper } from "../servers/index.js";
import { fourLetterWord } from "../servers/zookeeper-client.js";

const PUTS_IN_A_TXN = 100;
const TXNS_AT_ONCE = 16;
const REWRITTEN = 0.3;
const STARTS = 5;
const LATENCY_SAMPLES = 500;
const LATENCY_MS = 20_000;

interface Subject {
  readonly server: ServerProcess;
  readonly url: string;
  /** One of the small entries by its name below the prefix; undefined if it is not there. */
  pointer(name: string): Promise<Record<string, string> | undefined>;
  /** Keys or znodes below the prefix. */
  entries(): Promise<number>;
}

const SUBJECTS: Record<string, () => Promise<Subject>> = {
  consul: async () => {
    const server = await startConsul();
    const url = await server.freshPrefix();
    const prefix = new URL(url).pathname.slice(1);
    const get = async (path: string) => {
      const answer = await server.request(`/v1/kv/${prefix}/${path}`);
      return answer.ok ? ((await answer.json()) as never) : undefined;
    };
    const entries = async () => ((await get("?keys")) ?? ([] as string[])).length;
    return { server, url, pointer: (name) => get(`${name}?raw`), entries };
  },
  zookeeper: async () => {
    const server = await startZooKeeper();
    const count = async () => Number(/zk_znode_count\s+(\d+)/.exec(await fourLetterWord("mntr", server))![1]);
    const before = await count();
    const url = await server.freshChroot();
    const pointer = (name: string) =>
      server.readZnode(`${new URL(url).pathname}/${name}`).then(
        (data) => JSON.parse(data.toString()),
        () => undefined,
      );
    return { server, url, pointer, entries: async () => (await count()) - before };
  },
};

async function load(adapter: AdapterProcess, keys: number, valueBytes: number): Promise<void> {
  const client = new GrpcClient(adapter.address);
  let next = 0;
  const work = async () => {
    while (next < keys) {
      const first = next;
      next += PUTS_IN_A_TXN;
      const success = Array.from({ length: Math.min(PUTS_IN_A_TXN, keys - first) }, (_, index) => ({
        request: {
          case: "requestPut" as const,
          value: { key: Buffer.from(`/registry/${first + index}`), value: Buffer.alloc(valueBytes, "v") },
        },
      }));
      await client.unary(KV.method.txn, { success }, { timeoutMs: 60_000 });
    }
  };
  await Promise.all(Array.from({ length: TXNS_AT_ONCE }, work));
  client.close();
}

/** Median milliseconds from the start of the process to a healthy answer, and its resident bytes then. */
async function coldStart(adapter: AdapterProcess): Promise<{ ms: number; rss: number }> {
  const times: number[] = [];
  let rss = 0;
  for (let start = 0; start < STARTS; start++) {
    await adapter.kill9();
    const began = performance.now();
    await adapter.restart();
    times.push(performance.now() - began);
    rss = 1024 * Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${adapter.pid}/status`, "utf8"))![1]);
  }
  return { ms: times.sort((a, b) => a - b)[Math.floor(STARTS / 2)]!, rss };
}

async function measure(name: string, keys: number, valueBytes: number): Promise<Record<string, string>> {
  const subject = await SUBJECTS[name]!();
  const adapter = await startAdapterProcess(subject.url);
  const other = await startAdapterProcess(subject.url);
  const client = new GrpcClient(adapter.address);
  const watcher = { client: new GrpcClient(other.address) };
  try {
    const latency = await putToWatch({ client }, watcher, LATENCY_SAMPLES, LATENCY_MS);
    const empty = await coldStart(other);
    await other.stop();
    const began = performance.now();
    await load(adapter, keys, valueBytes);
    const loadMs = performance.now() - began;
    // some of them again, so that there is a snapshot and a log behind it
    await load(adapter, keys * REWRITTEN, valueBytes);
    const full = await coldStart(adapter);
    const [head, trimmed, snapshot] = await Promise.all(["head", "trimmed", "snapshot"].map(subject.pointer));
    const segments = BigInt(head!.sequence!) - BigInt(trimmed!.sequence!);
    const tail = BigInt(head!.sequence!) - BigInt(snapshot?.sequence ?? 0);
    const { dbSize } = await new GrpcClient(adapter.address).unary(Maintenance.method.status, {});
    return {
      "put to event on another adapter": percentiles(latency.event),
      "put to answer": percentiles(latency.answer),
      [`${keys} keys of ${valueBytes} bytes written in`]: seconds(loadMs),
      "cold start, empty": seconds(empty.ms),
      "cold start, full": seconds(full.ms),
      "resident memory after it": megabytes(full.rss),
      snapshot: `${megabytes(snapshot?.bytes ?? 0)} in ${snapshot?.pieces ?? 0} pieces`,
      "segments kept": `${segments}, ${megabytes(BigInt(head!.bytes!) - BigInt(trimmed!.bytes!))}`,
      "segments read at a start": `${tail}`,
      "keys or znodes": `${await subject.entries()}`,
      dbSize: megabytes(dbSize),
      "bytes of the server's data folder": megabytes(
        Number(execFileSync("du", ["-sb", subject.server.folder]).toString().split("\t")[0]),
      ),
    };
  } finally {
    client.close();
    watcher.client.close();
    for (const one of [adapter, other, subject.server]) await one[Symbol.asyncDispose]();
  }
}

const seconds = (ms: number) => `${(ms / 1_000).toFixed(1)} s`;
const megabytes = (bytes: bigint | number | string) => `${(Number(bytes) / 1e6).toFixed(1)} MB`;

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { keys: { type: "string", default: "100000" }, "value-bytes": { type: "string", default: "256" } },
});
for (const name of positionals.length > 0 ? positionals : Object.keys(SUBJECTS)) {
  if (!SUBJECTS[name]) throw new Error(`${name} is none of ${Object.keys(SUBJECTS).join(", ")}`);
  console.log(name);
  console.table(await measure(name, Number(values.keys), Number(values["value-bytes"])));
}
process.exit();
