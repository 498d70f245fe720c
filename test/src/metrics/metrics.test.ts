/** What dashboards and alerts ask for: /metrics of a real etcd and of the adapter after the same requests. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Auth } from "@etcd-adapter/core/proto/etcdserverpb/auth_pb";
import { KV } from "@etcd-adapter/core/proto/etcdserverpb/kv_pb";
import { Lease } from "@etcd-adapter/core/proto/etcdserverpb/lease_pb";
import { Watch } from "@etcd-adapter/core/proto/etcdserverpb/watch_pb";
import { type AdapterProcess, startAdapterProcess } from "../adapter/start.js";
import { GrpcClient } from "../client/grpc-client.js";
import { type EtcdServer, isRequired, startEtcd } from "../servers/index.js";
import { readMetrics, type Samples } from "./read-metrics.js";

/** Of etcd's dashboard and of its alerts. */
const NAMES = [
  "etcd_server_has_leader",
  "etcd_server_is_leader",
  "etcd_server_leader_changes_seen_total",
  "etcd_server_proposals_applied_total",
  "etcd_server_proposals_committed_total",
  "etcd_server_proposals_failed_total",
  "etcd_server_proposals_pending",
  "etcd_server_quota_backend_bytes",
  "etcd_server_version",
  "etcd_cluster_version",
  "etcd_server_id",
  "etcd_server_health_success",
  "etcd_server_health_failures",
  "etcd_server_heartbeat_send_failures_total",
  "etcd_server_slow_apply_total",
  "etcd_server_slow_read_indexes_total",
  "etcd_server_client_requests_total",
  "etcd_mvcc_db_total_size_in_bytes",
  "etcd_mvcc_db_total_size_in_use_in_bytes",
  "etcd_mvcc_put_total",
  "etcd_mvcc_delete_total",
  "etcd_mvcc_range_total",
  "etcd_mvcc_txn_total",
  "etcd_debugging_mvcc_keys_total",
  "etcd_debugging_mvcc_current_revision",
  "etcd_debugging_mvcc_compact_revision",
  "etcd_debugging_mvcc_events_total",
  "etcd_debugging_mvcc_pending_events_total",
  "etcd_debugging_mvcc_watcher_total",
  "etcd_debugging_mvcc_watch_stream_total",
  "etcd_debugging_mvcc_slow_watcher_total",
  "etcd_debugging_lease_granted_total",
  "etcd_debugging_lease_renewed_total",
  "etcd_debugging_lease_revoked_total",
  "etcd_debugging_server_lease_expired_total",
  "etcd_debugging_auth_revision",
  "etcd_disk_wal_fsync_duration_seconds",
  "etcd_disk_backend_commit_duration_seconds",
  "etcd_network_client_grpc_received_bytes_total",
  "etcd_network_client_grpc_sent_bytes_total",
  "grpc_server_started_total",
  "grpc_server_handled_total",
  "grpc_server_msg_received_total",
  "grpc_server_msg_sent_total",
  "process_resident_memory_bytes",
  "process_virtual_memory_bytes",
  "process_cpu_seconds_total",
  "process_open_fds",
  "process_max_fds",
  "process_start_time_seconds",
];

/** Where the same requests must give the same number. */
const EQUAL = [
  "etcd_server_has_leader",
  "etcd_server_is_leader",
  "etcd_server_leader_changes_seen_total",
  "etcd_server_proposals_failed_total",
  "etcd_server_proposals_pending",
  "etcd_server_quota_backend_bytes",
  "etcd_mvcc_put_total",
  "etcd_mvcc_delete_total",
  "etcd_debugging_mvcc_keys_total",
  "etcd_debugging_mvcc_current_revision",
  "etcd_debugging_mvcc_compact_revision",
  "etcd_debugging_mvcc_events_total",
  "etcd_debugging_mvcc_watcher_total",
  "etcd_debugging_mvcc_watch_stream_total",
  "etcd_debugging_lease_granted_total",
  "etcd_debugging_lease_renewed_total",
  "etcd_debugging_lease_revoked_total",
  "etcd_debugging_server_lease_expired_total",
  "etcd_debugging_auth_revision",
];

const CLIENT_BYTES = "etcd_network_client_grpc_received_bytes_total";
const SERVER_BYTES = "etcd_network_client_grpc_sent_bytes_total";

if (isRequired("etcd")) {
  for (const transport of ["grpc-js", "own"]) {
    describe(`metrics, with ${transport}`, () => {
      let servers: readonly [EtcdServer, AdapterProcess];
      let first: readonly Samples[];
      let last: readonly Samples[];

      before(async () => {
        const quota = "--quota-backend-bytes=1000000000";
        servers = await Promise.all([
          startEtcd({ args: [quota] }),
          startAdapterProcess("sqlite:", { args: [quota, `--grpc-transport=${transport}`] }),
        ]);
        first = await scrape();
        await Promise.all(servers.map(({ port }) => use(`127.0.0.1:${port}`)));
        last = await scrape();
      });
      after(() => Promise.all(servers.map((server) => server.discard())));

      const scrape = () => Promise.all(servers.map(({ url }) => readMetrics(url)));

      test("each name of etcd's dashboard and alerts, with its type and its labels", () => {
        const [etcd, adapter] = last as readonly [Samples, Samples];
        for (const name of NAMES) {
          assert.ok(etcd.types.has(name), `etcd has no ${name}`);
          assert.equal(adapter.types.get(name), etcd.types.get(name), name);
          assert.deepEqual(adapter.labelsOf(name), etcd.labelsOf(name), name);
        }
      });

      test("the same requests give the same numbers", () => {
        const [etcd, adapter] = last as readonly [Samples, Samples];
        for (const name of EQUAL) assert.equal(adapter.value(name), etcd.value(name), name);
      });

      test("calls are counted by service, method, type and outcome as in etcd", () => {
        const [etcd, adapter] = last as readonly [Samples, Samples];
        for (const name of ["grpc_server_started_total", "grpc_server_handled_total"]) {
          const counted = [...etcd.series].filter(
            ([series, value]) => series.startsWith(`${name}{`) && value > 0,
          );
          assert.ok(counted.length > 4, String(counted));
          for (const [series, value] of counted) assert.equal(adapter.series.get(series), value, series);
        }
      });

      test("the messages of gRPC are counted in bytes, in both directions", () => {
        const [etcd, adapter] = [0, 1].map((side) =>
          [CLIENT_BYTES, SERVER_BYTES].map((name) => last[side]!.value(name)! - first[side]!.value(name)!),
        );
        assert.equal(adapter![0], etcd![0]);
        // The IDs in a header have as many bytes as they need.
        const share = adapter![1]! / etcd![1]!;
        assert.ok(share > 0.99 && share < 1.01, `${adapter![1]} bytes sent, by etcd ${etcd![1]}`);
      });

      test("durations of commits have etcd's buckets, and every write is in them", () => {
        for (const name of [
          "etcd_disk_wal_fsync_duration_seconds",
          "etcd_disk_backend_commit_duration_seconds",
        ]) {
          const [etcd, adapter] = last.map(({ series }) =>
            [...series.keys()].filter((each) => each.startsWith(`${name}_bucket`)),
          );
          assert.deepEqual(adapter, etcd);
          assert.ok(last[1]!.series.get(`${name}_count`)! >= 5, name);
        }
      });
    });
  }
}

/** One of everything that is counted; a stream is left open for what counts open ones. */
async function use(address: string): Promise<void> {
  const client = new GrpcClient(address);
  const stream = client.stream(Watch.method.watch);
  stream.send({ requestUnion: { case: "createRequest", value: { key: Buffer.from("a") } } });
  await stream.next();
  const key = Buffer.from("a");
  await client.unary(KV.method.put, { key, value: Buffer.alloc(100_000) });
  await stream.next();
  await client.unary(KV.method.put, { key: Buffer.from("b"), value: key });
  await client.unary(KV.method.range, { key });
  await client.unary(KV.method.txn, { success: [{ request: { case: "requestRange", value: { key } } }] });
  await client.unary(KV.method.deleteRange, { key });
  await stream.next();
  await client.unary(KV.method.compact, { revision: 3n });
  await assert.rejects(client.unary(KV.method.compact, { revision: 3n }));
  await client.unary(Lease.method.leaseGrant, { ID: 7n, TTL: 100n });
  const renewals = client.stream(Lease.method.leaseKeepAlive);
  renewals.send({ ID: 7n });
  await renewals.next();
  renewals.halfClose();
  await renewals.next();
  await client.unary(Lease.method.leaseRevoke, { ID: 7n });
  await client.unary(Auth.method.roleAdd, { name: "reader" });
  await client.unary(Lease.method.leaseGrant, { ID: 8n, TTL: 1n });
  await client.unary(KV.method.put, { key, lease: 8n });
  await stream.next();
  // until it has expired, and one more write, since etcd counts an expiry after it was seen
  await stream.next();
  await client.unary(KV.method.put, { key: Buffer.from("c") });
}
