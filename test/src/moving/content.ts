import { KV } from "@etcd-adapter/core/proto/etcdserverpb/kv_pb";
import { Lease } from "@etcd-adapter/core/proto/etcdserverpb/lease_pb";
import { Maintenance } from "@etcd-adapter/core/proto/etcdserverpb/maintenance_pb";
import { Watch } from "@etcd-adapter/core/proto/etcdserverpb/watch_pb";
import type { GrpcClient } from "../client/grpc-client.js";

const ALL = { key: Buffer.from([0]), rangeEnd: Buffer.from([0]) };

/** HashKV, with what it depends on. */
export async function hashKv(client: GrpcClient, revision: bigint) {
  const { hash, compactRevision, hashRevision } = await client.unary(Maintenance.method.hashKV, { revision });
  return { hash, compactRevision, hashRevision };
}

/** Keys, values and leases, in lines. */
export async function rows(client: GrpcClient): Promise<string[]> {
  const { kvs } = await client.unary(KV.method.range, ALL, { timeoutMs: 60_000 });
  return kvs.map(
    ({ key, value, lease }) =>
      `${Buffer.from(key).toString("latin1")} ${Buffer.from(value).toString("latin1")} ${lease}`,
  );
}

/** Lease ids, times and keys, in lines. */
export async function leases(client: GrpcClient): Promise<string[]> {
  const { leases: found } = await client.unary(Lease.method.leaseLeases, {});
  const lines: string[] = [];
  for (const { ID } of found) {
    const { grantedTTL, keys } = await client.unary(Lease.method.leaseTimeToLive, { ID, keys: true });
    const names = keys.map((key) => Buffer.from(key).toString("latin1")).sort();
    lines.push(`${ID} ${grantedTTL} ${names.join(",")}`);
  }
  return lines.sort();
}

/** What a watcher is told of (after, through], with the versions that were replaced. */
export async function history(client: GrpcClient, after: bigint, through: bigint): Promise<string[]> {
  const stream = client.stream(Watch.method.watch);
  const request = { ...ALL, startRevision: after + 1n, prevKv: true };
  stream.send({ requestUnion: { case: "createRequest", value: request } });
  const lines: string[] = [];
  for (let at = after; at < through; ) {
    const message = await stream.next(20_000);
    if (!message) throw new Error(`the watch ended at revision ${at}`);
    for (const { type, kv, prevKv } of message.events) {
      const { key, value, createRevision, modRevision, version, lease } = kv!;
      const what = [type, createRevision, modRevision, version, lease, prevKv?.modRevision, prevKv?.value];
      lines.push(
        [Buffer.from(key).toString("latin1"), Buffer.from(value).toString("latin1"), ...what].join(" "),
      );
      at = modRevision;
    }
  }
  stream.cancel();
  return lines;
}
