import { EtcdError } from "../errors.js";
import { after, intervalOf, isEmpty } from "./keys.js";
import { leaseEntry } from "./lease-entry.js";
import type {
  Compare,
  DeleteOperation,
  DeleteResult,
  Operation,
  OperationResult,
  PutOperation,
  PutResult,
  RangeOperation,
  RangeResult,
  TxnOperation,
  TxnResult,
} from "./operations.js";
import { executeRange, type RowSource } from "./range.js";
import { decodeField, fieldKey, type KeyValue, retag, splitFields } from "./record.js";

const NOTHING: Buffer = Buffer.alloc(0);
const PREV_KVS_TAG = 0x1a;
const DELETE_PAGE_ROWS = 1_000;

/** The state that operations run on, and what they have made of it so far. */
export interface KeySpaceView extends RowSource {
  /** The newest revision before the transaction. */
  readonly revision: bigint;
  /** The store's revision as an operation sees it: one more once the transaction has changed something. */
  readonly currentRevision: bigint;
  readonly compacted: bigint;
  /** Fetches keys for `get`. */
  load(keys: readonly Buffer[]): Promise<void>;
  get(key: Buffer): Buffer | undefined;
  read(key: Buffer): Promise<KeyValue | undefined>;
  olderRows(revision: bigint): Promise<RowSource>;
  registryGet(key: string): Buffer | undefined;
  put(kv: Omit<KeyValue, "modRevision">): void;
  delete(key: Buffer): void;
  /** Makes a row that a page has returned known to `get`. */
  adopt(field: Buffer): void;
}

/** Keys that evaluating the operation is going to look up one by one. */
export function pointKeys(operation: Operation, into: Buffer[] = []): Buffer[] {
  switch (operation.type) {
    case "put":
      into.push(operation.key);
      break;
    case "delete":
      if (operation.rangeEnd.length === 0) into.push(operation.key);
      break;
    case "range":
      break;
    case "txn":
      for (const compare of operation.compares) if (compare.rangeEnd.length === 0) into.push(compare.key);
      for (const nested of operation.success) pointKeys(nested, into);
      for (const nested of operation.failure) pointKeys(nested, into);
  }
  return into;
}

/** Whether no branch, whichever is taken, changes anything. */
export function isReadOnly(operation: TxnOperation): boolean {
  return [...operation.success, ...operation.failure].every(
    (nested) => nested.type === "range" || (nested.type === "txn" && isReadOnly(nested)),
  );
}

/** Whether every read of a transaction without writes may be served from what the process has last seen. */
export function isSerializable(operation: TxnOperation): boolean {
  return [...operation.success, ...operation.failure].every(
    (nested) => nested.type === "range" && nested.serializable,
  );
}

/** A put outside a transaction: its lease is checked before the key that ignore_* needs, as etcd does. */
export function evaluatePut(view: KeySpaceView, operation: PutOperation): PutResult {
  checkLease(view, operation);
  checkIgnored(view, operation);
  return put(view, operation);
}

export async function evaluateDelete(view: KeySpaceView, operation: DeleteOperation): Promise<DeleteResult> {
  return deleteRange(view, operation);
}

/**
 * A transaction, in etcd's order: every compare, nested ones too, on the state before it; then every
 * operation of the branches taken is checked on that state; only then is anything done.
 */
export async function evaluateTxn(view: KeySpaceView, operation: TxnOperation): Promise<TxnResult> {
  const taken = await takeBranches(view, operation);
  await checkBranch(view, taken);
  return execute(view, taken);
}

/** A transaction with its compares decided. */
interface Taken {
  readonly succeeded: boolean;
  readonly operations: readonly (Exclude<Operation, TxnOperation> | Taken)[];
}

async function takeBranches(view: KeySpaceView, operation: TxnOperation): Promise<Taken> {
  let succeeded = true;
  for (const compare of operation.compares) {
    if (!(await holds(view, compare))) {
      succeeded = false;
      break;
    }
  }
  const operations: (Exclude<Operation, TxnOperation> | Taken)[] = [];
  for (const nested of succeeded ? operation.success : operation.failure) {
    operations.push(nested.type === "txn" ? await takeBranches(view, nested) : nested);
  }
  return { succeeded, operations };
}

async function checkBranch(view: KeySpaceView, taken: Taken): Promise<void> {
  for (const operation of taken.operations) {
    if ("operations" in operation) {
      await checkBranch(view, operation);
    } else if (operation.type === "put") {
      checkIgnored(view, operation);
      checkLease(view, operation);
    } else if (operation.type === "range") {
      checkRevision(view, operation);
    }
  }
}

async function execute(view: KeySpaceView, taken: Taken): Promise<TxnResult> {
  const responses: OperationResult[] = [];
  for (const operation of taken.operations) {
    if ("operations" in operation) responses.push(await execute(view, operation));
    else if (operation.type === "put") responses.push(put(view, operation));
    else if (operation.type === "delete") responses.push(await deleteRange(view, operation));
    else responses.push(await range(view, operation));
  }
  return { type: "txn", revision: view.currentRevision, succeeded: taken.succeeded, responses };
}

function checkLease(view: KeySpaceView, operation: PutOperation): void {
  if (operation.lease !== 0n && view.registryGet(leaseEntry(operation.lease)) === undefined) {
    throw new EtcdError("leaseNotFound");
  }
}

function checkIgnored(view: KeySpaceView, operation: PutOperation): void {
  if ((operation.ignoreValue || operation.ignoreLease) && view.get(operation.key) === undefined) {
    throw new EtcdError("keyNotFound");
  }
}

function checkRevision(view: KeySpaceView, operation: RangeOperation): void {
  if (operation.revision === 0n) return;
  if (operation.revision > view.revision) throw new EtcdError("futureRevision");
  if (operation.revision < view.compacted) throw new EtcdError("compacted");
}

async function range(view: KeySpaceView, operation: RangeOperation): Promise<RangeResult> {
  const source: RowSource = operation.revision > 0n ? await view.olderRows(operation.revision) : view;
  return { ...(await executeRange(source, operation)), revision: view.currentRevision };
}

function put(view: KeySpaceView, operation: PutOperation): PutResult {
  const before = view.get(operation.key);
  const kv = before && decodeField(before);
  view.put({
    key: operation.key,
    createRevision: kv ? kv.createRevision : view.revision + 1n,
    version: kv ? kv.version + 1n : 1n,
    value: operation.ignoreValue && kv ? kv.value : operation.value,
    lease: operation.ignoreLease && kv ? kv.lease : operation.lease,
  });
  return { type: "put", revision: view.revision + 1n, previous: operation.prevKv ? before : undefined };
}

async function deleteRange(view: KeySpaceView, operation: DeleteOperation): Promise<DeleteResult> {
  const fields = await matching(view, operation);
  for (const field of fields) {
    view.adopt(field);
    view.delete(fieldKey(field));
  }
  return {
    type: "delete",
    revision: view.currentRevision,
    deleted: BigInt(fields.length),
    previous: operation.prevKv ? fields.map((field) => retag(field, PREV_KVS_TAG)) : [],
  };
}

async function matching(view: KeySpaceView, operation: DeleteOperation): Promise<Buffer[]> {
  if (operation.rangeEnd.length === 0) {
    await view.load([operation.key]);
    const field = view.get(operation.key);
    return field ? [field] : [];
  }
  return allRows(view, operation.key, operation.rangeEnd);
}

async function allRows(view: KeySpaceView, key: Buffer, rangeEnd: Buffer): Promise<Buffer[]> {
  const interval = intervalOf(key, rangeEnd);
  const fields: Buffer[] = [];
  if (isEmpty(interval)) return fields;
  let rest = interval;
  for (;;) {
    const page = await view.page(rest, DELETE_PAGE_ROWS, false, false);
    fields.push(...splitFields(page.fields));
    const last = fields.at(-1);
    if (!page.more || !last) return fields;
    rest = { start: after(fieldKey(last)), end: interval.end };
  }
}

const ABSENT: KeyValue = {
  key: NOTHING,
  createRevision: 0n,
  modRevision: 0n,
  version: 0n,
  value: NOTHING,
  lease: 0n,
};

async function holds(view: KeySpaceView, compare: Compare): Promise<boolean> {
  const found = await compared(view, compare);
  if (found.length === 0) return compare.target.field === "value" ? false : holdsFor(compare, ABSENT);
  return found.every((kv) => holdsFor(compare, kv));
}

async function compared(view: KeySpaceView, compare: Compare): Promise<KeyValue[]> {
  if (compare.rangeEnd.length > 0) {
    return (await allRows(view, compare.key, compare.rangeEnd)).map(decodeField);
  }
  const kv = await view.read(compare.key);
  return kv ? [kv] : [];
}

function holdsFor(compare: Compare, kv: KeyValue): boolean {
  const sign = signOf(compare.target, kv);
  switch (compare.result) {
    case "equal":
      return sign === 0;
    case "not-equal":
      return sign !== 0;
    case "greater":
      return sign > 0;
    case "less":
      return sign < 0;
    case "always":
      return true;
  }
}

function signOf(target: Compare["target"], kv: KeyValue): number {
  switch (target.field) {
    case "value":
      return Buffer.compare(kv.value, target.operand);
    case "unknown":
      return 0;
    default: {
      const actual = numberOf(target.field, kv);
      return actual < target.operand ? -1 : actual > target.operand ? 1 : 0;
    }
  }
}

function numberOf(field: "version" | "create" | "mod" | "lease", kv: KeyValue): bigint {
  switch (field) {
    case "version":
      return kv.version;
    case "create":
      return kv.createRevision;
    case "mod":
      return kv.modRevision;
    case "lease":
      return kv.lease;
  }
}
