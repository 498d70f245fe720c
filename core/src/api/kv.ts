import { create } from "@bufbuild/protobuf";
import { CompactionResponseSchema, KV } from "../gen/etcdserverpb/kv_pb.js";
import type { GuardedApi } from "./api.js";
import {
  checkPutSize,
  checkTxnSize,
  deleteOperation,
  putOperation,
  rangeOperation,
  txnOperation,
} from "./kv-request.js";
import { KvResponses } from "./kv-response.js";
import { defineService, type Service } from "./service.js";

export function kvService({ store, headers, limits, auth }: GuardedApi): Service {
  const responses = new KvResponses(headers);
  return defineService(KV, {
    async range(request, context) {
      const operation = rangeOperation(request);
      const guard = await auth.operationGuard(context, operation);
      return responses.range(await store.range(operation, guard.read));
    },

    async put(request, context) {
      const operation = putOperation(request);
      const guard = await auth.operationGuard(context, operation);
      checkPutSize(request, limits.maxRequestBytes);
      return responses.put(await store.put(operation, guard.write));
    },

    async deleteRange(request, context) {
      const operation = deleteOperation(request);
      const guard = await auth.operationGuard(context, operation);
      return responses.delete(await store.deleteRange(operation, guard.write));
    },

    async txn(request, context) {
      const operation = txnOperation(request, limits.maxTxnOps);
      const guard = await auth.operationGuard(context, operation);
      checkTxnSize(request, limits.maxRequestBytes);
      return responses.txn(await store.txn(operation, guard));
    },

    async compact(request, context) {
      const guard = await auth.rootGuard(context);
      await store.compactor.compact(request.revision, request.physical, guard);
      return create(CompactionResponseSchema, { header: headers.message(store.revision) });
    },
  });
}
