import { KV } from "../gen/etcdserverpb/kv_pb.js";
import { Lease } from "../gen/etcdserverpb/lease_pb.js";
import type { KeyValue as WireKeyValue } from "../gen/mvccpb/kv_pb.js";
import { after } from "../mvcc/keys.js";
import type { KeyValue } from "../mvcc/record.js";
import type { Caller } from "./endpoint.js";

const ZERO = Buffer.from([0]);
const FIRST_LIMIT = 500;
const MAX_LIMIT = 10_000;
const PAGE_BYTES = 2 * 1024 * 1024;
const LEASE_CALLS = 16;

export interface Page {
  readonly rows: readonly KeyValue[];
  /** The revision that all pages are read at. */
  readonly revision: bigint;
}

/** All keys at one revision (0n: the newest), in pages of bounded size. */
export async function* endpointPages(
  endpoint: Caller,
  at: bigint,
  from: Buffer = ZERO,
): AsyncGenerator<Page> {
  let key: Buffer = from;
  let revision = at;
  let limit = FIRST_LIMIT;
  for (;;) {
    const { header, kvs, more } = await endpoint.call(KV.method.range, {
      key,
      rangeEnd: ZERO,
      revision,
      limit: BigInt(limit),
    });
    if (revision === 0n) revision = header!.revision;
    const rows = kvs.map(ofWire);
    yield { rows, revision };
    if (!more || rows.length === 0) return;
    key = after(rows.at(-1)!.key);
    const bytes = rows.reduce((sum, row) => sum + row.key.length + row.value.length, 0);
    limit = Math.min(MAX_LIMIT, Math.max(1, Math.floor((PAGE_BYTES * rows.length) / Math.max(1, bytes))));
  }
}

/** Leases and the times that they were granted for, in seconds. */
export async function endpointLeases(endpoint: Caller): Promise<Map<bigint, bigint>> {
  const { leases } = await endpoint.call(Lease.method.leaseLeases, {});
  const waiting = leases.map(({ ID }) => ID);
  const found = new Map<bigint, bigint>();
  const ask = async (): Promise<void> => {
    for (let id = waiting.pop(); id !== undefined; id = waiting.pop()) {
      const ttlSeconds = await leaseTtl(endpoint, id);
      if (ttlSeconds !== undefined) found.set(id, ttlSeconds);
    }
  };
  await Promise.all(Array.from({ length: LEASE_CALLS }, ask));
  return found;
}

/** undefined where there is no such lease, or no more. */
export async function leaseTtl(endpoint: Caller, id: bigint): Promise<bigint | undefined> {
  const { TTL, grantedTTL } = await endpoint.call(Lease.method.leaseTimeToLive, { ID: id });
  return TTL < 0n ? undefined : grantedTTL;
}

function ofWire(kv: WireKeyValue): KeyValue {
  return {
    key: Buffer.from(kv.key.buffer, kv.key.byteOffset, kv.key.length),
    value: Buffer.from(kv.value.buffer, kv.value.byteOffset, kv.value.length),
    createRevision: kv.createRevision,
    modRevision: kv.modRevision,
    version: kv.version,
    lease: kv.lease,
  };
}
