/** etcd's key space as a function of its log, written for the checker alone: nothing of the adapter is used. */
import { isDeepStrictEqual } from "node:util";
import {
  type Change,
  covers,
  type KeyValue,
  type Request,
  type Response,
  type Step,
  type StepResult,
} from "./history.js";

interface Version {
  readonly revision: bigint;
  readonly kv: KeyValue | undefined;
}

/** What a request does to a state, were it the next revision. */
export interface Effect {
  readonly succeeded: boolean;
  readonly results: readonly StepResult[];
  readonly changes: readonly Change[];
}

/** Every state that the log went through. */
export class Model {
  private readonly versions = new Map<string, Version[]>();
  /** Every key that ever was, in order. */
  private readonly names: string[] = [];
  private last = 1n;

  get revision(): bigint {
    return this.last;
  }

  /** Takes the next revision's changes; says what about them can't be. */
  append(revision: bigint, changes: readonly Change[]): string[] {
    const problems: string[] = [];
    if (revision !== this.last + 1n) problems.push(`revision ${revision} follows ${this.last}`);
    const keys = new Set<string>();
    for (const { kv, deleted } of changes) {
      if (keys.has(kv.key)) problems.push(`revision ${revision} changes ${kv.key} twice`);
      keys.add(kv.key);
      const before = this.get(kv.key, this.last);
      const expected = deleted
        ? before && { key: kv.key, value: "", create: 0n, mod: revision, version: 0n, lease: 0n }
        : put(before, kv.key, kv.value, kv.lease, revision);
      if (!isDeepStrictEqual(expected, kv))
        problems.push(`revision ${revision} holds ${show(kv)}, which should be ${show(expected)}`);
    }
    for (const { kv, deleted } of changes) {
      let versions = this.versions.get(kv.key);
      if (!versions) {
        versions = [];
        this.versions.set(kv.key, versions);
        this.names.splice(
          firstWhere(this.names, (name) => name >= kv.key),
          0,
          kv.key,
        );
      }
      versions.push({ revision, kv: deleted ? undefined : kv });
    }
    this.last = revision;
    return problems;
  }

  get(key: string, revision: bigint): KeyValue | undefined {
    const versions = this.versions.get(key);
    if (!versions) return undefined;
    return versions[firstWhere(versions, (version) => version.revision > revision) - 1]?.kv;
  }

  range(key: string, end: string, revision: bigint): KeyValue[] {
    const found: KeyValue[] = [];
    for (let at = firstWhere(this.names, (name) => name >= key); at < this.names.length; at++) {
      if (!covers(key, end, this.names[at]!)) break;
      const kv = this.get(this.names[at]!, revision);
      if (kv) found.push(kv);
    }
    return found;
  }

  leased(lease: bigint, revision: bigint): KeyValue[] {
    return this.range("", "\0", revision).filter((kv) => kv.lease === lease);
  }

  /** The request on the state at `revision`. */
  evaluate(request: Request, revision: bigint): Effect {
    const succeeded = request.compares.every(
      ({ key, target, operand }) => (this.get(key, revision)?.[target] ?? 0n) === operand,
    );
    const draft = new Map<string, KeyValue | undefined>();
    const look = (key: string, end: string): KeyValue[] => {
      const at = request.at > 0n ? request.at : revision;
      const found = new Map(this.range(key, end, at).map((kv) => [kv.key, kv]));
      for (const [name, kv] of draft) {
        if (!covers(key, end, name)) continue;
        if (kv) found.set(name, kv);
        else found.delete(name);
      }
      return [...found.values()].sort((a, b) => (a.key < b.key ? -1 : 1));
    };
    const changes: Change[] = [];
    const run = (step: Step): StepResult => {
      const rows = look(step.key, step.type === "put" ? "" : step.end);
      if (step.type === "get") return { type: "get", kvs: rows };
      if (step.type === "put") {
        const kv = put(rows[0], step.key, step.value, step.lease, revision + 1n);
        draft.set(step.key, kv);
        changes.push({ deleted: false, kv, previous: rows[0] });
        return { type: "put", previous: rows[0] };
      }
      for (const row of rows) {
        draft.set(row.key, undefined);
        changes.push({ deleted: true, kv: tombstone(row.key, revision + 1n), previous: row });
      }
      return { type: "delete", previous: rows };
    };
    const results = (succeeded ? request.success : request.failure).map(run);
    return { succeeded, results, changes };
  }
}

/** The place of the first item for which it holds, as it then does for all behind it; by halves. */
function firstWhere<T>(items: readonly T[], holds: (item: T) => boolean): number {
  let low = 0;
  let high = items.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (holds(items[middle]!)) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** Whether the response tells of a change, and so of a revision of its own. */
export function changed({ results }: Response): boolean {
  return results.some(({ type, ...rest }) =>
    type === "put"
      ? true
      : type === "delete" && (rest as { previous: readonly KeyValue[] }).previous.length > 0,
  );
}

function put(
  before: KeyValue | undefined,
  key: string,
  value: string,
  lease: bigint,
  revision: bigint,
): KeyValue {
  const create = before?.create ?? revision;
  return { key, value, create, mod: revision, version: (before?.version ?? 0n) + 1n, lease };
}

function tombstone(key: string, revision: bigint): KeyValue {
  return { key, value: "", create: 0n, mod: revision, version: 0n, lease: 0n };
}

export function show(value: unknown): string {
  return JSON.stringify(value, (_, part) => (typeof part === "bigint" ? `${part}` : part)) ?? "nothing";
}

/** Whether they are the same but for what only some watchers see. */
export function sameChanges(some: readonly Change[], others: readonly Change[]): boolean {
  if (some.length !== others.length) return false;
  return some.every(({ deleted, kv }, index) => {
    const other = others[index]!;
    return deleted === other.deleted && (kv === other.kv || isDeepStrictEqual(kv, other.kv));
  });
}
