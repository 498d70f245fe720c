import { create } from "@bufbuild/protobuf";
import { type StatusResponse, StatusResponseSchema } from "../gen/etcdserverpb/maintenance_pb.js";
import { clientError } from "../mvcc/faults.js";
import { ETCD_CLUSTER_VERSION, ETCD_VERSION } from "../version.js";
import { alarmText } from "./alarm.js";
import { RAFT_TERM } from "./header.js";
import type { MaintenanceApi } from "./maintenance.js";

/** Where there is no raft, every adapter is its own leader, and the order of commits stands for the raft log. */
export async function statusMessage(api: MaintenanceApi): Promise<StatusResponse> {
  const { store, headers, members, alarms, meter, quotaBytes } = api;
  const size = await meter.size().catch((error) => {
    throw clientError(error);
  });
  const index = store.follower.head.sequence;
  return create(StatusResponseSchema, {
    header: headers.message(store.revision),
    version: ETCD_VERSION,
    dbSize: size.total,
    dbSizeInUse: size.inUse,
    leader: members.identity.memberId,
    raftIndex: index,
    raftAppliedIndex: index,
    raftTerm: RAFT_TERM,
    errors: alarms.known.map(alarmText),
    storageVersion: ETCD_CLUSTER_VERSION,
    dbSizeQuota: BigInt(Math.max(0, quotaBytes)),
    downgradeInfo: {},
  });
}
