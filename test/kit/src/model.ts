import {
  type Change,
  type ChangesQuery,
  type Commit,
  EMPTY_HEAD,
  type Head,
  type Interval,
} from "@etcd-adapter/core/storage";

/** A change where it stands in the log. */
export interface Entry extends Change {
  readonly revision: bigint;
  readonly sub: number;
}

/**
 * What a storage must answer, computed anew from the bare log each time: deliberately naive, so that it can be
 * checked by reading it. It knows no pages, no index and no pruning but the rule itself.
 */
export class Model {
  readonly commits: Commit[] = [];
  readonly entries: Entry[] = [];

  get head(): Head {
    return this.commits.at(-1)?.head ?? EMPTY_HEAD;
  }

  apply(commit: Commit): void {
    this.commits.push(commit);
    for (const { revision, changes } of commit.revisions) {
      changes.forEach((change, sub) => {
        this.entries.push({ ...change, revision, sub });
      });
    }
  }

  /** Live key-values of an interval at a revision, in key order. */
  range(interval: Interval, revision: bigint): Entry[] {
    const newest = new Map<string, Entry>();
    for (const entry of this.entries) {
      if (entry.revision <= revision && contains(interval, entry.key)) newest.set(hex(entry.key), entry);
    }
    return [...newest.values()]
      .filter((entry) => !entry.deleted)
      .sort((a, b) => Buffer.compare(a.key, b.key));
  }

  get(key: Buffer, revision: bigint): Entry | undefined {
    return this.range({ start: key, end: Buffer.concat([key, Buffer.of(0)]) }, revision)[0];
  }

  leaseKeys(lease: bigint): Buffer[] {
    const all = this.range({ start: Buffer.alloc(0), end: null }, this.head.revision);
    return all.filter((entry) => entry.lease === lease).map((entry) => entry.key);
  }

  /** All changes in (after, through], pruned or not. */
  changes({ after, through, interval }: Pick<ChangesQuery, "after" | "through" | "interval">): Entry[] {
    return this.entries.filter(
      ({ revision, key }) =>
        revision > after && revision <= through && (interval === null || contains(interval, key)),
    );
  }

  /** The version that `entry` replaced, pruned or not. */
  previous(entry: Entry): Entry | undefined {
    if (entry.previous === 0n) return undefined;
    return this.entries.findLast(({ revision, key }) => revision === entry.previous && key.equals(entry.key));
  }

  /** The rule: whether compaction made the entry unreachable. */
  isUnreachable(entry: Entry): boolean {
    const { compacted } = this.head;
    if (entry.deleted && entry.revision < compacted) return true;
    const at = this.entries.indexOf(entry);
    return this.entries.some(
      (later, index) => index > at && later.revision <= compacted && later.key.equals(entry.key),
    );
  }

  /** The registry, removals left out, as [key, value in hex]. */
  registry(): [string, string][] {
    const entries = new Map<string, string>();
    for (const commit of this.commits) {
      for (const { key, value } of commit.registry) {
        if (value === null) entries.delete(key);
        else entries.set(key, hex(value));
      }
    }
    return [...entries].sort();
  }
}

export function contains({ start, end }: Interval, key: Buffer): boolean {
  return Buffer.compare(key, start) >= 0 && (end === null || Buffer.compare(key, end) < 0);
}

export function hex(bytes: Buffer): string {
  return bytes.toString("hex");
}
