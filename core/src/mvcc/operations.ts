/** What a client asks of the key space, checked for shape already; keys and values are the caller's no more. */

export type SortTarget = "key" | "version" | "create" | "mod" | "value";
export type SortOrder = "none" | "ascend" | "descend";

export interface RangeOperation {
  readonly type: "range";
  readonly key: Buffer;
  readonly rangeEnd: Buffer;
  /** 0n is the newest; outside a transaction so is every negative number. */
  readonly revision: bigint;
  /** 0n or below: no limit. */
  readonly limit: bigint;
  readonly sortOrder: SortOrder;
  readonly sortTarget: SortTarget;
  readonly keysOnly: boolean;
  readonly countOnly: boolean;
  readonly serializable: boolean;
  /** Bounds on revisions; 0n is off, any other number applies. */
  readonly minModRevision: bigint;
  readonly maxModRevision: bigint;
  readonly minCreateRevision: bigint;
  readonly maxCreateRevision: bigint;
}

export interface PutOperation {
  readonly type: "put";
  readonly key: Buffer;
  readonly value: Buffer;
  readonly lease: bigint;
  readonly prevKv: boolean;
  readonly ignoreValue: boolean;
  readonly ignoreLease: boolean;
}

export interface DeleteOperation {
  readonly type: "delete";
  readonly key: Buffer;
  readonly rangeEnd: Buffer;
  readonly prevKv: boolean;
}

export interface TxnOperation {
  readonly type: "txn";
  readonly compares: readonly Compare[];
  readonly success: readonly Operation[];
  readonly failure: readonly Operation[];
}

export type Operation = RangeOperation | PutOperation | DeleteOperation | TxnOperation;

export interface Compare {
  readonly key: Buffer;
  readonly rangeEnd: Buffer;
  /** `always`: a result or target that etcd does not know, which it takes as true. */
  readonly result: "equal" | "greater" | "less" | "not-equal" | "always";
  readonly target:
    | { readonly field: "version" | "create" | "mod" | "lease"; readonly operand: bigint }
    | { readonly field: "value"; readonly operand: Buffer }
    | { readonly field: "unknown" };
}

export interface RangeResult {
  readonly type: "range";
  readonly revision: bigint;
  /** Key-values as finished fields, in order. */
  readonly fields: Buffer;
  readonly count: bigint;
  readonly more: boolean;
}

export interface PutResult {
  readonly type: "put";
  readonly revision: bigint;
  /** The pair before, when asked for and there. */
  readonly previous: Buffer | undefined;
}

export interface DeleteResult {
  readonly type: "delete";
  readonly revision: bigint;
  readonly deleted: bigint;
  /** The pairs before, in key order; empty unless asked for. */
  readonly previous: readonly Buffer[];
}

export interface TxnResult {
  readonly type: "txn";
  readonly revision: bigint;
  readonly succeeded: boolean;
  readonly responses: readonly OperationResult[];
}

export type OperationResult = RangeResult | PutResult | DeleteResult | TxnResult;
