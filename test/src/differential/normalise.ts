/** What may differ between two correct servers is taken out of an answer; the rest is compared to the letter. */
import {
  type RangeRequest_SortOrder as SortOrder,
  RangeRequest_SortTarget as SortTarget,
} from "@etcd-adapter/core/proto/etcdserverpb/kv_pb";
import type { RangeInit, Step, TxnInit } from "./steps.js";

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
type Fields = { [key: string]: Json };

export function normalise(answer: Json, step: Step): Json {
  const fields = answer as Fields;
  delete (fields.header as Fields | undefined)?.clusterId;
  delete (fields.header as Fields | undefined)?.memberId;
  delete (fields.header as Fields | undefined)?.raftTerm;
  switch (step.kind) {
    case "range":
      settleTies(fields, step.request);
      break;
    case "txn":
      settleTxn(fields, step.request);
      break;
    case "timeToLive":
      // Seconds left, and the order of keys, are as they come.
      if (fields.TTL !== "-1") delete fields.TTL;
      if (fields.keys) (fields.keys as string[]).sort();
      break;
    case "leases":
      (fields.leases as Fields[] | undefined)?.sort((a, b) => String(a.ID).localeCompare(String(b.ID)));
      break;
    default:
  }
  return fields;
}

const SORT_FIELDS: Partial<Record<number, string>> = {
  [SortTarget.VERSION]: "version",
  [SortTarget.CREATE]: "createRevision",
  [SortTarget.MOD]: "modRevision",
  [SortTarget.VALUE]: "value",
};

/** Go's sort is unstable: rows that are equal in what is sorted by come in any order, and a limit cuts anywhere among them. */
function settleTies(answer: Fields, request: RangeInit): void {
  const field = SORT_FIELDS[request.sortTarget ?? 0];
  const kvs = answer.kvs as Fields[] | undefined;
  if (!field || !kvs || request.sortOrder === (7 as SortOrder)) return;
  const bySort = new Map<string, number>();
  for (const kv of kvs) bySort.set(String(kv[field] ?? ""), (bySort.get(String(kv[field] ?? "")) ?? 0) + 1);
  if (request.limit && request.limit > 0n) {
    answer.kvs = kvs.map((kv) => kv[field] ?? "");
    return;
  }
  const position = new Map([...bySort.keys()].map((name, index) => [name, index]));
  kvs.sort(
    (a, b) =>
      position.get(String(a[field] ?? ""))! - position.get(String(b[field] ?? ""))! ||
      String(a.key).localeCompare(String(b.key)),
  );
}

function settleTxn(answer: Fields, request: TxnInit): void {
  const branch = (answer.succeeded ? request.success : request.failure) ?? [];
  ((answer.responses as Fields[] | undefined) ?? []).forEach((response, index) => {
    const op = branch[index]?.request;
    if (op?.case === "requestRange") settleTies(response.responseRange as Fields, op.value);
    if (op?.case === "requestTxn") settleTxn(response.responseTxn as Fields, op.value);
  });
}
