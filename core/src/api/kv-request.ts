/** KV requests: etcd's checks of their shape, in its order, and their translation. */
import { toBinary } from "@bufbuild/protobuf";
import { EtcdError } from "../errors.js";
import {
  type Compare as CompareMessage,
  Compare_CompareResult as CompareResult,
  Compare_CompareTarget as CompareTarget,
  type DeleteRangeRequest,
  type PutRequest,
  type RangeRequest,
  type RequestOp,
  RangeRequest_SortOrder as SortOrderEnum,
  RangeRequest_SortTarget as SortTargetEnum,
  type TxnRequest,
  TxnRequestSchema,
} from "../gen/etcdserverpb/kv_pb.js";
import type {
  Compare,
  DeleteOperation,
  Operation,
  PutOperation,
  RangeOperation,
  SortOrder,
  SortTarget,
  TxnOperation,
} from "../mvcc/operations.js";

const SORT_ORDERS: Record<number, SortOrder> = {
  [SortOrderEnum.NONE]: "none",
  [SortOrderEnum.ASCEND]: "ascend",
  [SortOrderEnum.DESCEND]: "descend",
};

const SORT_TARGETS: Record<number, SortTarget> = {
  [SortTargetEnum.KEY]: "key",
  [SortTargetEnum.VERSION]: "version",
  [SortTargetEnum.CREATE]: "create",
  [SortTargetEnum.MOD]: "mod",
  [SortTargetEnum.VALUE]: "value",
};

const RESULTS: Record<number, Compare["result"]> = {
  [CompareResult.EQUAL]: "equal",
  [CompareResult.GREATER]: "greater",
  [CompareResult.LESS]: "less",
  [CompareResult.NOT_EQUAL]: "not-equal",
};

/** What the replicated form of a request takes beside the request itself. */
const ENVELOPE_BYTES = 18;

export function view(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

export function rangeOperation(request: RangeRequest): RangeOperation {
  if (request.key.length === 0) throw new EtcdError("emptyKey");
  const sortOrder = SORT_ORDERS[request.sortOrder];
  const sortTarget = SORT_TARGETS[request.sortTarget];
  if (!sortOrder || !sortTarget) throw new EtcdError("invalidSortOption");
  return {
    type: "range",
    key: view(request.key),
    rangeEnd: view(request.rangeEnd),
    revision: request.revision,
    limit: request.limit,
    sortOrder,
    sortTarget,
    keysOnly: request.keysOnly,
    countOnly: request.countOnly,
    serializable: request.serializable,
    minModRevision: request.minModRevision,
    maxModRevision: request.maxModRevision,
    minCreateRevision: request.minCreateRevision,
    maxCreateRevision: request.maxCreateRevision,
  };
}

export function putOperation(request: PutRequest): PutOperation {
  if (request.key.length === 0) throw new EtcdError("emptyKey");
  if (request.ignoreValue && request.value.length !== 0) throw new EtcdError("valueProvided");
  if (request.ignoreLease && request.lease !== 0n) throw new EtcdError("leaseProvided");
  return {
    type: "put",
    key: view(request.key),
    value: view(request.value),
    lease: request.lease,
    prevKv: request.prevKv,
    ignoreValue: request.ignoreValue,
    ignoreLease: request.ignoreLease,
  };
}

export function deleteOperation(request: DeleteRangeRequest): DeleteOperation {
  if (request.key.length === 0) throw new EtcdError("emptyKey");
  return {
    type: "delete",
    key: view(request.key),
    rangeEnd: view(request.rangeEnd),
    prevKv: request.prevKv,
  };
}

export function txnOperation(request: TxnRequest, maxOps: number): TxnOperation {
  const operation = nestedTxn(request, maxOps);
  checkOverlaps(operation.success);
  checkOverlaps(operation.failure);
  return operation;
}

function nestedTxn(request: TxnRequest, maxOps: number): TxnOperation {
  const ops = Math.max(request.compare.length, request.success.length, request.failure.length);
  if (ops > maxOps) throw new EtcdError("tooManyOps");
  for (const compare of request.compare) if (compare.key.length === 0) throw new EtcdError("emptyKey");
  const left = maxOps - ops;
  return {
    type: "txn",
    compares: request.compare.map(compareOf),
    success: request.success.map((op) => operationOf(op, left)),
    failure: request.failure.map((op) => operationOf(op, left)),
  };
}

function operationOf({ request }: RequestOp, maxOps: number): Operation {
  switch (request.case) {
    case "requestRange":
      return rangeOperation(request.value);
    case "requestPut":
      return putOperation(request.value);
    case "requestDeleteRange":
      return deleteOperation(request.value);
    case "requestTxn":
      return nestedTxn(request.value, maxOps);
    default:
      throw new EtcdError("keyNotFound");
  }
}

function compareOf(message: CompareMessage): Compare {
  return {
    key: view(message.key),
    rangeEnd: view(message.rangeEnd),
    result: RESULTS[message.result] ?? "always",
    target: targetOf(message),
  };
}

/** The operand is that of the target; one given for another target is ignored, as if it were absent. */
function targetOf({ target, targetUnion }: CompareMessage): Compare["target"] {
  switch (target) {
    case CompareTarget.VERSION:
      return { field: "version", operand: targetUnion.case === "version" ? targetUnion.value : 0n };
    case CompareTarget.CREATE:
      return { field: "create", operand: targetUnion.case === "createRevision" ? targetUnion.value : 0n };
    case CompareTarget.MOD:
      return { field: "mod", operand: targetUnion.case === "modRevision" ? targetUnion.value : 0n };
    case CompareTarget.LEASE:
      return { field: "lease", operand: targetUnion.case === "lease" ? targetUnion.value : 0n };
    case CompareTarget.VALUE:
      return {
        field: "value",
        operand: view(targetUnion.case === "value" ? targetUnion.value : new Uint8Array()),
      };
    default:
      return { field: "unknown" };
  }
}

interface Touched {
  readonly puts: Set<string>;
  readonly deletes: DeleteOperation[];
}

/** No key may be put twice in a branch, nor put and deleted; etcd's exceptions for nested transactions included. */
function checkOverlaps(operations: readonly Operation[]): Touched {
  const puts = new Set<string>();
  const deletes = operations.filter((operation) => operation.type === "delete");
  const add = (key: string, allowed?: ReadonlySet<string>): void => {
    if ((puts.has(key) && !allowed?.has(key)) || deletes.some((range) => deletesKey(range, key))) {
      throw new EtcdError("duplicateKey");
    }
    puts.add(key);
  };
  for (const operation of operations) {
    if (operation.type !== "txn") continue;
    const success = checkOverlaps(operation.success);
    const failure = checkOverlaps(operation.failure);
    for (const key of success.puts) add(key);
    for (const key of failure.puts) add(key, success.puts);
    deletes.push(...success.deletes, ...failure.deletes);
  }
  for (const operation of operations) if (operation.type === "put") add(operation.key.toString("latin1"));
  return { puts, deletes };
}

/** As etcd compares: a range_end of "\0" is taken literally here and covers nothing. */
function deletesKey(range: DeleteOperation, key: string): boolean {
  const start = range.key.toString("latin1");
  if (range.rangeEnd.length === 0) return key === start;
  return key >= start && key < range.rangeEnd.toString("latin1");
}

/** etcd refuses requests above `--max-request-bytes` in their replicated form. */
export function checkPutSize(request: PutRequest, maxBytes: number): void {
  // Tags, lengths and numbers of a put take less than 40 bytes.
  const bytes = request.key.length + request.value.length;
  if (bytes + ENVELOPE_BYTES + 40 > maxBytes && bytes + ENVELOPE_BYTES + putOverhead(request) > maxBytes) {
    throw new EtcdError("requestTooLarge");
  }
}

function putOverhead(request: PutRequest): number {
  const lengths = 2 + sizeOfLength(request.key.length) + sizeOfLength(request.value.length);
  const flags = 2 * (Number(request.prevKv) + Number(request.ignoreValue) + Number(request.ignoreLease));
  return lengths + flags + (request.lease === 0n ? 0 : 10);
}

function sizeOfLength(length: number): number {
  return length < 0x80 ? 1 : length < 0x4000 ? 2 : length < 0x200000 ? 3 : 4;
}

export function checkTxnSize(request: TxnRequest, maxBytes: number): void {
  if (roughSize(request) * 2 < maxBytes) return;
  if (toBinary(TxnRequestSchema, request).length + ENVELOPE_BYTES > maxBytes) {
    throw new EtcdError("requestTooLarge");
  }
}

function roughSize(request: TxnRequest): number {
  let bytes = 64;
  for (const compare of request.compare) {
    const value = compare.targetUnion.case === "value" ? compare.targetUnion.value.length : 0;
    bytes += 64 + compare.key.length + compare.rangeEnd.length + value;
  }
  for (const op of request.success) bytes += roughOpSize(op);
  for (const op of request.failure) bytes += roughOpSize(op);
  return bytes;
}

function roughOpSize({ request }: RequestOp): number {
  switch (request.case) {
    case "requestPut":
      return 64 + request.value.key.length + request.value.value.length;
    case "requestTxn":
      return 64 + roughSize(request.value);
    case undefined:
      return 64;
    default:
      return 128 + request.value.key.length + request.value.rangeEnd.length;
  }
}
