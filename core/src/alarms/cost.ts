import type { PutRequest, RequestOp, TxnRequest } from "../gen/etcdserverpb/kv_pb.js";

/** etcd's estimates of what a request takes in the storage, in bytes. */
const KEY_OVERHEAD = 256;
export const LEASE_COST = 64;

export function putCost({ key, value }: PutRequest): number {
  return KEY_OVERHEAD + key.length + value.length;
}

/** The dearer branch. */
export function txnCost({ success, failure }: TxnRequest): number {
  return Math.max(branchCost(success), branchCost(failure));
}

function branchCost(ops: readonly RequestOp[]): number {
  let cost = 0;
  for (const { request } of ops) {
    if (request.case === "requestPut") cost += putCost(request.value);
    else if (request.case === "requestTxn") cost += txnCost(request.value);
  }
  return cost;
}
