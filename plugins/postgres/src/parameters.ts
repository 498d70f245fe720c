import type { Commit } from "@etcd-adapter/core/storage";
import { lastChanges, type SplitKey, splitKey } from "@etcd-adapter/core/storage/sql";
import type { Parameter } from "./connection.js";

type Arrays = Record<string, Parameter>;

/** A commit as the parameters of the statement `commit`. */
export function commitParameters({ id, base, head, revisions, registry }: Commit): Arrays {
  const last = new Set(lastChanges(revisions).map(({ change }) => change));
  const rows = revisions.flatMap(({ revision, changes }) =>
    changes.map((change, sub) => ({ revision, sub, key: splitKey(change.key), change })),
  );
  return {
    id,
    sequence: head.sequence,
    revision: head.revision,
    compacted: head.compacted,
    baseSequence: base.sequence,
    baseRevision: base.revision,
    revisions: array(rows, ({ revision }) => `${revision}`),
    subs: array(rows, ({ sub }) => `${sub}`),
    ...keyArrays(rows.map(({ key }) => key)),
    deleted: array(rows, ({ change }) => flag(change.deleted)),
    fields: array(rows, ({ change }) => bytes(change.field)),
    previous: array(rows, ({ change }) => `${change.previous}`),
    leases: array(rows, ({ change }) => `${change.lease}`),
    last: array(rows, ({ change }) => flag(last.has(change))),
    registryKeys: array(registry, ({ key }) => `"${key.replace(/[\\"]/g, "\\$&")}"`),
    registryValues: array(registry, ({ value }) => (value === null ? "null" : bytes(value))),
  };
}

export function keyArrays(keys: readonly SplitKey[]): Arrays {
  return {
    prefixes: array(keys, ({ prefix }) => bytes(prefix)),
    hashes: array(keys, ({ hash }) => bytes(hash)),
    rests: array(keys, ({ rest }) => bytes(rest)),
  };
}

/** PostgreSQL's own notation, because pg would turn each element over several times. */
function array<Row>(rows: readonly Row[], element: (row: Row) => string): string {
  return `{${rows.map(element).join(",")}}`;
}

function bytes(value: Buffer): string {
  return `"\\\\x${value.toString("hex")}"`;
}

function flag(value: boolean): string {
  return value ? "t" : "f";
}
