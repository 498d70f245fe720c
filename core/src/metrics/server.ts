import { Counter, Gauge, type Registry } from "prom-client";
import type { Alarms } from "../alarms/alarms.js";
import type { SizeMeter } from "../alarms/size-meter.js";
import { decodeState, STATE_ENTRY } from "../auth/entries.js";
import type { Members } from "../cluster/members.js";
import { AlarmType } from "../gen/etcdserverpb/maintenance_pb.js";
import type { Store } from "../mvcc/store.js";
import { ETCD_CLUSTER_VERSION, ETCD_VERSION } from "../version.js";
import { Applied } from "./applied.js";
import type { CallMetrics } from "./calls.js";

export interface Observed {
  readonly store: Store;
  readonly members: Members;
  readonly alarms: Alarms;
  readonly meter: SizeMeter;
  readonly quotaBytes: number;
}

type Value = () => number | undefined | Promise<number | undefined>;

/** etcd's own names, for what has the same meaning here; each value is asked for when it is scraped. */
export function registerServerMetrics(registry: Registry, calls: CallMetrics, observed: Observed): void {
  const { store, members, alarms, meter, quotaBytes } = observed;
  const applied = new Applied(store);
  const registers = [registry];
  const { follower, watch, committer } = store;
  const gauge = (name: string, help: string, value: Value) =>
    new Gauge({
      name,
      help,
      registers,
      async collect() {
        const now = await value();
        if (now === undefined) this.remove();
        else this.set(now);
      },
    });
  const counter = (name: string, help: string, value: Value) =>
    new Counter({
      name,
      help,
      registers,
      async collect() {
        const now = await value();
        this.reset();
        this.inc(now ?? 0);
      },
    });
  const labelled = (name: string, help: string, label: string, value: string) =>
    new Gauge({ name, help, labelNames: [label], registers }).set({ [label]: value }, 1);
  const sequence = () => Number(follower.head.sequence);
  const size = async (part: "total" | "inUse") =>
    Number((await meter.size().catch(() => meter.known))?.[part] ?? 0);

  gauge("etcd_server_has_leader", "Whether or not a leader exists. 1 is existence, 0 is not.", () => 1);
  gauge("etcd_server_is_leader", "Whether or not this member is a leader. 1 if is, 0 otherwise.", () => 1);
  gauge("etcd_server_is_learner", "Whether or not this member is a learner. 1 if is, 0 otherwise.", () => 0);
  counter("etcd_server_leader_changes_seen_total", "The number of leader changes seen.", () => 1);
  counter(
    "etcd_server_heartbeat_send_failures_total",
    "The total number of leader heartbeat send failures.",
    () => 0,
  );
  labelled("etcd_server_version", "Which version is running.", "server_version", ETCD_VERSION);
  labelled(
    "etcd_cluster_version",
    "Which version is running.",
    "cluster_version",
    ETCD_CLUSTER_VERSION.replace(/\.\d+$/, ""),
  );
  labelled(
    "etcd_server_id",
    "Server or member ID in hexadecimal format.",
    "server_id",
    members.identity.memberId.toString(16),
  );
  // Alerts divide by it: without a quota there must be no such series.
  if (quotaBytes > 0) {
    gauge(
      "etcd_server_quota_backend_bytes",
      "Current backend storage quota size in bytes.",
      () => quotaBytes,
    );
  }
  gauge("etcd_server_proposals_committed_total", "The total number of commits.", sequence);
  gauge("etcd_server_proposals_applied_total", "The total number of commits applied.", sequence);
  gauge(
    "etcd_server_proposals_pending",
    "The current number of pending proposals to commit.",
    () => committer.pending,
  );
  counter(
    "etcd_server_proposals_failed_total",
    "The total number of failed proposals seen.",
    () => committer.failed,
  );
  counter("etcd_server_slow_read_indexes_total", "The total number of slow read indexes.", () => 0);
  counter("etcd_server_read_indexes_failed_total", "The total number of failed read indexes seen.", () => 0);
  counter("etcd_server_slow_apply_total", "The total number of slow apply requests.", () => 0);

  gauge(
    "etcd_mvcc_db_total_size_in_bytes",
    "Total size of the underlying database physically allocated in bytes.",
    () => size("total"),
  );
  gauge(
    "etcd_mvcc_db_total_size_in_use_in_bytes",
    "Total size of the underlying database logically in use in bytes.",
    () => size("inUse"),
  );
  counter(
    "etcd_mvcc_range_total",
    "Total number of ranges seen by this member.",
    () => calls.of("etcdserverpb.KV/Range").started,
  );
  counter(
    "etcd_mvcc_txn_total",
    "Total number of txns seen by this member.",
    () => calls.of("etcdserverpb.KV/Txn").started,
  );
  counter("etcd_mvcc_put_total", "Total number of puts seen by this member.", () => applied.puts);
  counter("etcd_mvcc_delete_total", "Total number of deletes seen by this member.", () => applied.deletes);

  const debugging = "etcd_debugging_mvcc_";
  gauge(`${debugging}keys_total`, "Total number of keys.", () => applied.keys);
  gauge(`${debugging}current_revision`, "The current revision of store.", () => Number(store.revision));
  gauge(`${debugging}compact_revision`, "The revision of the last compaction in store.", () =>
    Number(follower.head.compacted),
  );
  gauge(
    `${debugging}total_put_size_in_bytes`,
    "The total size of put kv pairs seen by this member.",
    () => applied.putBytes,
  );
  counter(`${debugging}events_total`, "Total number of events sent by this member.", () => watch.eventsSent);
  gauge(`${debugging}pending_events_total`, "Total number of pending events to be sent.", () => 0);
  gauge(`${debugging}watch_stream_total`, "Total number of watch streams.", () => watch.streamCount);
  gauge(`${debugging}watcher_total`, "Total number of watchers.", () => watch.watcherCount);
  gauge(
    `${debugging}slow_watcher_total`,
    "Total number of unsynced slow watchers.",
    () => watch.slowWatcherCount,
  );

  const lease = "etcd_debugging_lease_";
  counter(`${lease}granted_total`, "The total number of granted leases.", () => applied.leasesGranted);
  counter(`${lease}revoked_total`, "The total number of revoked leases.", () => applied.leasesRevoked);
  counter(
    `${lease}renewed_total`,
    "The number of renewed leases seen by the leader.",
    () => calls.of("etcdserverpb.Lease/LeaseKeepAlive").sent,
  );

  counter(
    "etcd_debugging_server_lease_expired_total",
    "The total number of expired leases.",
    () => store.lessor.expiredCount,
  );
  gauge("etcd_debugging_auth_revision", "The current revision of auth store.", () =>
    Number(decodeState(follower.registry.get(STATE_ENTRY)).revision),
  );

  gauge(
    "etcd_adapter_members",
    "Live adapters of this one's backend.",
    async () => (await members.list(false)).length,
  );
  new Gauge({
    name: "etcd_debugging_server_alarms",
    help: "Alarms for every member in cluster. 1 for 'server_id' label with current ID. 2 for 'alarm_type' label with type of this alarm",
    labelNames: ["server_id", "alarm_type"],
    registers,
    collect() {
      this.reset();
      for (const { memberId, type } of alarms.known) {
        this.set({ server_id: memberId.toString(16), alarm_type: AlarmType[type] ?? String(type) }, 1);
      }
    },
  });
}
