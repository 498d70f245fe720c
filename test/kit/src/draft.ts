import { randomBytes } from "node:crypto";
import type { Change, Commit, RegistryWrite, Revision } from "@etcd-adapter/core/storage";
import { decodeField, encodeField } from "./key-value.js";
import type { Model } from "./model.js";

export type Bytes = string | Buffer;

export interface PutOperation {
  readonly put: Bytes;
  readonly value: Bytes;
  readonly lease: bigint;
}

export interface DeleteOperation {
  readonly delete: Bytes;
}

export type Operation = PutOperation | DeleteOperation;

export function put(key: Bytes, value: Bytes, options: { lease?: bigint } = {}): PutOperation {
  return { put: key, value, lease: options.lease ?? 0n };
}

/** Of a key that exists: as in etcd, a deletion that finds nothing is no change. */
export function del(key: Bytes): DeleteOperation {
  return { delete: key };
}

/** Text as its bytes; one character a byte, so "\xff" is the byte 0xff. */
export function bytes(value: Bytes): Buffer {
  return typeof value === "string" ? Buffer.from(value, "latin1") : value;
}

/** What one commit is to hold; see `buildCommit`. */
export interface Draft {
  readonly revisions?: readonly (readonly Operation[])[];
  /** How many revisions are left out before each of them, and behind the last. */
  readonly gaps?: readonly bigint[];
  readonly registry?: Readonly<Record<string, Bytes | null>>;
  readonly compacted?: bigint;
}

/** A well-formed commit upon the model's head. */
export function buildCommit(model: Model, draft: Draft): Commit {
  const base = model.head;
  const revisions: Revision[] = [];
  let newest = base.revision;
  for (const [index, operations] of (draft.revisions ?? []).entries()) {
    newest += (draft.gaps?.[index] ?? 0n) + 1n;
    revisions.push({
      revision: newest,
      changes: buildChanges(model, revisions, newest, operations),
    });
  }
  newest += draft.gaps?.[revisions.length] ?? 0n;
  const registry: RegistryWrite[] = Object.entries(draft.registry ?? {}).map(([key, value]) => ({
    key,
    value: value === null ? null : bytes(value),
  }));
  const head = {
    sequence: base.sequence + 1n,
    revision: newest,
    compacted: draft.compacted ?? base.compacted,
  };
  return { id: randomBytes(16), base, head, revisions, registry };
}

function buildChanges(
  model: Model,
  earlier: readonly Revision[],
  revision: bigint,
  operations: readonly Operation[],
): Change[] {
  const before = new Map<string, Change>();
  for (const { changes } of earlier)
    for (const change of changes) before.set(change.key.toString("hex"), change);
  const within = new Map<string, Change>();
  return operations.map((operation) => {
    const key = bytes("put" in operation ? operation.put : operation.delete);
    const name = key.toString("hex");
    const old = live(before.has(name) ? before.get(name) : model.get(key, model.head.revision));
    const current = within.has(name) ? live(within.get(name)) : old;
    const previous = old === undefined ? 0n : decodeField(old.field).modRevision;
    const change = buildChange(operation, key, revision, current, previous);
    within.set(name, change);
    return change;
  });
}

function buildChange(
  operation: Operation,
  key: Buffer,
  revision: bigint,
  current: Change | undefined,
  previous: bigint,
): Change {
  const nothing = {
    key,
    createRevision: 0n,
    modRevision: revision,
    version: 0n,
    value: Buffer.alloc(0),
    lease: 0n,
  };
  if ("delete" in operation) {
    return { key, field: encodeField(nothing), deleted: true, previous, lease: 0n };
  }
  const old = current && decodeField(current.field);
  const field = encodeField({
    ...nothing,
    createRevision: old?.createRevision ?? revision,
    version: (old?.version ?? 0n) + 1n,
    value: bytes(operation.value),
    lease: operation.lease,
  });
  return { key, field, deleted: false, previous, lease: operation.lease };
}

function live(change: Change | undefined): Change | undefined {
  return change?.deleted ? undefined : change;
}
