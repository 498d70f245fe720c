import { KV } from "@etcd-adapter/core/proto/etcdserverpb/kv_pb";
import { Lease } from "@etcd-adapter/core/proto/etcdserverpb/lease_pb";
import type { GrpcClient } from "../client/grpc-client.js";

const WRITERS = 64;
const TXN_KEYS = 20;
const PREFIXES = 17;
const LEASES = 50n;
const FIRST_LEASE = 7_000n;
export const LEASE_TTL_SECONDS = 3_600n;

/** Revisions of a seeded store that are worth looking at. */
export interface Seeded {
  readonly compacted: bigint;
  readonly newest: bigint;
}

/**
 * About `keys` live keys, put singly and many in a transaction, of several versions, some with a lease, some deleted,
 * some of these written anew; with a compaction in the middle of it.
 */
export async function seed(client: GrpcClient, keys: number): Promise<Seeded> {
  for (let id = FIRST_LEASE; id < FIRST_LEASE + LEASES; id++) {
    await client.unary(Lease.method.leaseGrant, { ID: id, TTL: LEASE_TTL_SECONDS });
  }
  const batches = Math.ceil(keys / TXN_KEYS);
  await inParallel(batches, (batch) =>
    client.unary(KV.method.txn, {
      success: Array.from({ length: TXN_KEYS }, (_, index) => putOf(batch * TXN_KEYS + index, "first")),
    }),
  );
  await inParallel(Math.floor(keys / 10), (index) => put(client, index * 7, "second"));
  await inParallel(Math.floor(keys / 20), (index) =>
    client.unary(KV.method.deleteRange, { key: keyOf(index * 13) }),
  );
  const { header } = await client.unary(KV.method.put, {
    key: Buffer.from("\0"),
    value: Buffer.from([0, 255]),
  });
  const compacted = header!.revision - BigInt(Math.floor(keys / 40));
  await client.unary(KV.method.compact, { revision: compacted, physical: true });
  await inParallel(Math.floor(keys / 20), (index) => put(client, index * 13, "again"));
  await client.unary(KV.method.txn, {
    success: [putOf(1, "third"), { request: { case: "requestDeleteRange", value: { key: keyOf(2) } } }],
  });
  // What was deleted at the end must not come back.
  const { header: last } = await client.unary(KV.method.deleteRange, {
    key: keyOf(3),
    rangeEnd: keyOf(3 + 5 * PREFIXES),
  });
  return { compacted, newest: last!.revision };
}

function put(client: GrpcClient, index: number, what: string): Promise<unknown> {
  return client.unary(KV.method.put, putOf(index, what).request.value);
}

function putOf(index: number, what: string) {
  const lease = index % 10 === 0 ? FIRST_LEASE + (BigInt(index) % LEASES) : 0n;
  const value = Buffer.from(`${what} value of ${index} `.repeat(1 + (index % 8)));
  return { request: { case: "requestPut" as const, value: { key: keyOf(index), value, lease } } };
}

function keyOf(index: number): Buffer {
  return Buffer.from(`/registry/${index % PREFIXES}/${index.toString().padStart(8, "0")}`);
}

async function inParallel(count: number, work: (index: number) => Promise<unknown>): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count) await work(next++);
  };
  await Promise.all(Array.from({ length: WRITERS }, worker));
}
