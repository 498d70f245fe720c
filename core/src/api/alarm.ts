import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Alarm } from "../alarms/alarm-entry.js";
import type { Alarms } from "../alarms/alarms.js";
import { EtcdError } from "../errors.js";
import {
  AlarmRequest_AlarmAction as Action,
  type AlarmMemberSchema,
  type AlarmRequest,
  AlarmType,
} from "../gen/etcdserverpb/maintenance_pb.js";

/** What an Alarm call answers with: the alarms listed, raised or cleared. */
export async function runAlarmRequest(alarms: Alarms, request: AlarmRequest): Promise<readonly Alarm[]> {
  const alarm = { memberId: request.memberID, type: request.alarm };
  switch (request.action) {
    case Action.GET:
      return alarms.list(request.alarm);
    case Action.ACTIVATE:
      return listOf(await alarms.activate(alarm));
    case Action.DEACTIVATE:
      return listOf(await alarms.deactivate(alarm));
    default:
      // etcd itself ends with a fault here.
      throw new EtcdError("unknownMethod");
  }
}

function listOf(alarm: Alarm | undefined): Alarm[] {
  return alarm ? [alarm] : [];
}

export function alarmMessage({ memberId, type }: Alarm): MessageInitShape<typeof AlarmMemberSchema> {
  return { memberID: memberId, alarm: type };
}

/** As Status reports an alarm, with etcd's trailing blank. */
export function alarmText({ memberId, type }: Alarm): string {
  return `${memberId === 0n ? "" : `memberID:${memberId} `}alarm:${AlarmType[type] ?? type} `;
}
