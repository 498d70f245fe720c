import { EtcdError } from "../errors.js";
import type { Operation } from "../mvcc/operations.js";
import { ALARM, ALARMS_ENTRY, decodeAlarms } from "./alarm-entry.js";

/** Where alarms are looked up: the state that a write is evaluated on, so that they hold on every adapter at once. */
export interface AlarmView {
  registryGet(key: string): Buffer | undefined;
}

/** What a raised alarm may refuse. */
export type AlarmedWrite = "grows" | "shrinks";

/**
 * The first step of applying a write. While CORRUPT is raised nothing may be written; while NOSPACE is, nothing that
 * makes the data grow.
 */
export function refuseByAlarm(view: AlarmView, write: AlarmedWrite): void {
  const bytes = view.registryGet(ALARMS_ENTRY);
  if (bytes === undefined) return;
  const alarms = decodeAlarms(bytes);
  if (alarms.some(({ type }) => type === ALARM.corrupt)) throw new EtcdError("corrupt");
  if (write === "grows" && alarms.some(({ type }) => type === ALARM.noSpace)) throw new EtcdError("noSpace");
}

/** As etcd, a transaction grows the data if there is a put anywhere in it, in the branch not taken too. */
export function alarmedWrite(operation: Operation): AlarmedWrite {
  return hasPut(operation) ? "grows" : "shrinks";
}

function hasPut(operation: Operation): boolean {
  if (operation.type === "txn") return operation.success.some(hasPut) || operation.failure.some(hasPut);
  return operation.type === "put";
}
