/*
 * How the adapter bears much data: node test/dist/load/big.js KEYS [sqlite:FILE | postgres://…]
 * Loads keys in order through the plugin's own commits, then starts the adapter on them, and prints what it takes. Loading
 * goes on where an earlier run has ended.
 */
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { create, toBinary } from "@bufbuild/protobuf";
import { KV, RangeResponseSchema } from "@etcd-adapter/core/proto/etcdserverpb/kv_pb";
import type { QueryStorage, StoragePlugin } from "@etcd-adapter/core/storage";
import { startAdapterProcess } from "../adapter/start.js";
import { GrpcClient } from "../client/grpc-client.js";
import { residentBytes } from "../protocol/resident.js";
import { temporaryFolder } from "../servers/folders.js";
import { openStorage } from "../storage-faults/index.js";

const KEYS_A_REVISION = 100;
const REVISIONS_A_COMMIT = 50;
const VALUE_BYTES = 100;
const SAMPLES = 300;
const MIB = 1024 * 1024;

const count = Number(process.argv[2] ?? 1_000_000);
const url = process.argv[3] ?? `sqlite:${join(temporaryFolder("big"), "big.db")}`;

const keyOf = (index: number) => Buffer.from(`/registry/pods/${String(index).padStart(10, "0")}`);

async function load(storage: QueryStorage): Promise<number> {
  const value = Buffer.alloc(VALUE_BYTES, "v");
  let head = await storage.head();
  const started = Number(head.revision - 1n) * KEYS_A_REVISION;
  for (let next = started; next < count; ) {
    const base = head;
    const revisions = Array.from({ length: REVISIONS_A_COMMIT }, (_, index) => {
      const revision = base.revision + BigInt(index + 1);
      const changes = Array.from({ length: KEYS_A_REVISION }, (_, sub) => {
        const key = keyOf(next + index * KEYS_A_REVISION + sub);
        const kv = { key, createRevision: revision, modRevision: revision, version: 1n, value };
        // A response with one key-value is that key-value's field.
        const field = Buffer.from(toBinary(RangeResponseSchema, create(RangeResponseSchema, { kvs: [kv] })));
        return { key, field, deleted: false, previous: 0n, lease: 0n };
      });
      return { revision, changes };
    });
    head = { ...base, sequence: base.sequence + 1n, revision: revisions.at(-1)!.revision };
    await storage.commit({ id: randomBytes(16), base, head, revisions, registry: [] });
    next += REVISIONS_A_COMMIT * KEYS_A_REVISION;
  }
  return Math.max(0, count - started);
}

async function timed<T>(name: string, samples: number, call: (sample: number) => Promise<T>): Promise<void> {
  const times: number[] = [];
  for (let sample = 0; sample < samples; sample++) {
    const start = performance.now();
    await call(sample);
    times.push(performance.now() - start);
  }
  times.sort((a, b) => a - b);
  const at = (part: number) => times[Math.min(samples - 1, Math.floor(samples * part))]!.toFixed(1);
  console.log(`${name}: p50 ${at(0.5)} ms, p99 ${at(0.99)} ms`);
}

const loading = performance.now();
const module: { default: StoragePlugin } = await import(`@etcd-adapter/plugin-${/^\w+/.exec(url)}`);
const storage = await openStorage(module.default, url);
const loaded = await load(storage);
const seconds = (performance.now() - loading) / 1_000;
const { total } = await storage.size();
await storage.close();
console.log(`loaded ${loaded} keys in ${seconds.toFixed(0)} s; the storage takes ${total / BigInt(MIB)} MiB`);

const starting = performance.now();
const adapter = await startAdapterProcess(url, { args: ["--quota-backend-bytes=1099511627776"] });
console.log(`start-up: ${(performance.now() - starting).toFixed(0)} ms`);
const client = new GrpcClient(adapter.address);
const memory = (when: string) =>
  console.log(`resident ${when}: ${(residentBytes(adapter.pid) / MIB).toFixed(0)} MiB`);
const random = () => keyOf(Math.floor(Math.random() * count));
const all = { key: Buffer.from("/registry/"), rangeEnd: Buffer.from("/registry0") };
memory("after the start");
await timed("get", SAMPLES, () => client.unary(KV.method.range, { key: random() }));
await timed("put", SAMPLES, () =>
  client.unary(KV.method.put, { key: random(), value: Buffer.alloc(VALUE_BYTES, "w") }),
);
await timed("a page of 500", SAMPLES, () =>
  client.unary(KV.method.range, { key: random(), rangeEnd: all.rangeEnd, limit: 500n }),
);
memory("after these");
await timed("count of all", 5, () => client.unary(KV.method.range, { ...all, countOnly: true }));
await timed("1,000 puts at once", 5, () =>
  Promise.all(
    Array.from({ length: 1_000 }, () =>
      client.unary(KV.method.put, { key: random(), value: randomBytes(VALUE_BYTES) }),
    ),
  ),
);
memory("in the end");
client.close();
await adapter.stop();
