import { create } from "@bufbuild/protobuf";
import type { Alarms } from "../alarms/alarms.js";
import type { SizeMeter } from "../alarms/size-meter.js";
import type { Members } from "../cluster/members.js";
import { EtcdError } from "../errors.js";
import {
  AlarmRequest_AlarmAction as Action,
  AlarmResponseSchema,
  DefragmentResponseSchema,
  DowngradeResponseSchema,
  HashKVResponseSchema,
  HashResponseSchema,
  Maintenance,
  MoveLeaderResponseSchema,
} from "../gen/etcdserverpb/maintenance_pb.js";
import { clientError } from "../mvcc/faults.js";
import { hashKeySpace, hashStorage } from "../mvcc/hash.js";
import { alarmMessage, runAlarmRequest } from "./alarm.js";
import type { GuardedApi } from "./api.js";
import { checkDowngrade } from "./downgrade.js";
import { defineService, type Service } from "./service.js";
import { sendSnapshot } from "./snapshot.js";
import { statusMessage } from "./status.js";

export interface MaintenanceApi extends GuardedApi {
  readonly members: Members;
  readonly alarms: Alarms;
  readonly meter: SizeMeter;
  /** `--quota-backend-bytes`; 0 and below: there is none. */
  readonly quotaBytes: number;
}

export function maintenanceService(api: MaintenanceApi): Service {
  const { store, headers, members, alarms, auth } = api;
  return defineService(Maintenance, {
    async alarm(request, context) {
      if (request.action === Action.GET) await auth.requireUser(context);
      else await auth.requireRoot(context);
      const found = await runAlarmRequest(alarms, request);
      const header = headers.message(store.revision);
      return create(AlarmResponseSchema, { header, alarms: found.map(alarmMessage) });
    },

    async status(_request, context) {
      await auth.requireUser(context);
      return statusMessage(api);
    },

    async defragment(_request, context) {
      await auth.requireRoot(context);
      await storageCall(async () => store.storage.defragment?.());
      // As in etcd, without a header.
      return create(DefragmentResponseSchema);
    },

    async hash(_request, context) {
      await auth.requireRoot(context);
      const { head, hash } = await storageCall(() => hashStorage(store.storage));
      return create(HashResponseSchema, { header: headers.message(head.revision), hash });
    },

    async hashKV(request, context) {
      await auth.requireRoot(context);
      const found = await storageCall(() => hashKeySpace(store.storage, request.revision));
      return create(HashKVResponseSchema, {
        header: headers.message(found.head.revision),
        hash: found.hash,
        compactRevision: found.compactRevision,
        hashRevision: found.hashRevision,
      });
    },

    async snapshot(call) {
      await auth.requireRoot(call.context);
      for await (const _request of call.requests) await storageCall(() => sendSnapshot(store.storage, call));
    },

    async moveLeader(request, context) {
      await auth.requireRoot(context);
      // Each adapter leads in its own eyes, so a live one that is asked to lead does already.
      await store.linearize();
      if (!members.has(request.targetID)) throw new EtcdError("badLeaderTransferee");
      return create(MoveLeaderResponseSchema);
    },

    async downgrade(request, context) {
      await auth.requireRoot(context);
      const version = checkDowngrade(request);
      return create(DowngradeResponseSchema, { header: headers.message(store.revision), version });
    },
  });
}

async function storageCall<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw clientError(error);
  }
}
