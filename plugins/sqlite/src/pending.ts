import type { Commit, Interval } from "@etcd-adapter/core/storage";

interface Version {
  readonly sequence: bigint;
  readonly key: Buffer;
  /** Undefined: deleted. */
  readonly field: Buffer | undefined;
}

export interface PendingCommit {
  readonly commit: Commit;
  /** The commit as packCommit makes it. */
  readonly block: ArrayBuffer;
}

/** The commits that are acknowledged, in the redo log, and not yet known to be in the database; oldest first. */
export class Pending {
  private readonly commits: PendingCommit[] = [];
  private readonly versions = new Map<string, Version>();
  private held = 0;

  get isEmpty(): boolean {
    return this.commits.length === 0;
  }

  get bytes(): number {
    return this.held;
  }

  /** Of the newest commit; 0n of none. */
  get newestSequence(): bigint {
    return this.commits.at(-1)?.commit.head.sequence ?? 0n;
  }

  /** Whether commits up to and with this one are among them. */
  holds(sequence: bigint): boolean {
    return !this.isEmpty && this.commits[0]!.commit.head.sequence <= sequence;
  }

  /** Whether revisions up to and with this one may be missing in the database. */
  reaches(revision: bigint): boolean {
    return !this.isEmpty && revision > this.commits[0]!.commit.base.revision;
  }

  add(pending: PendingCommit): void {
    const { commit, block } = pending;
    this.commits.push(pending);
    this.held += block.byteLength;
    const { sequence } = commit.head;
    for (const { changes } of commit.revisions) {
      for (const { key, field, deleted } of changes) {
        this.versions.set(name(key), { sequence, key, field: deleted ? undefined : field });
      }
    }
  }

  /** The oldest commits, so many bytes or a single one. */
  first(maxBytes: number): PendingCommit[] {
    let bytes = 0;
    const end = this.commits.findIndex(({ block }, index) => {
      bytes += block.byteLength;
      return index > 0 && bytes > maxBytes;
    });
    return this.commits.slice(0, end < 0 ? undefined : end);
  }

  /** The oldest `count` are in the database. */
  remove(count: number): void {
    for (const { commit, block } of this.commits.splice(0, count)) {
      this.held -= block.byteLength;
      for (const { changes } of commit.revisions) {
        for (const { key } of changes) {
          const found = name(key);
          if (this.versions.get(found)?.sequence === commit.head.sequence) this.versions.delete(found);
        }
      }
    }
  }

  commitId(sequence: bigint): Buffer | undefined {
    return this.commits.find(({ commit }) => commit.head.sequence === sequence)?.commit.id;
  }

  get(key: Buffer): { readonly field: Buffer | undefined } | undefined {
    return this.versions.size === 0 ? undefined : this.versions.get(name(key));
  }

  /** What the database has of these keys, with what is newer put over it. */
  over(keys: readonly Buffer[], fields: readonly (Buffer | undefined)[]): readonly (Buffer | undefined)[] {
    if (this.versions.size === 0) return fields;
    return keys.map((key, index) => {
      const version = this.versions.get(name(key));
      return version ? version.field : fields[index];
    });
  }

  touches({ start, end }: Interval): boolean {
    for (const { key } of this.versions.values()) {
      if (Buffer.compare(key, start) >= 0 && (end === null || Buffer.compare(key, end) < 0)) return true;
    }
    return false;
  }
}

function name(key: Buffer): string {
  return key.toString("latin1");
}
