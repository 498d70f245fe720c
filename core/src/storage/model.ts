/**
 * The values that cross the storage seam. Keys and values are bytes, 64-bit integers are bigint.
 * A storage stores and returns these; it never interprets a key-value's inside.
 */

/**
 * Where a storage stands. Every commit moves `sequence` by one, so commits that change no key
 * (leases, users, compaction) are ordered against those that do.
 */
export interface Head {
  /** Commits so far; 0n on an empty storage. */
  readonly sequence: bigint;
  /** Newest revision; 1n on an empty storage, as in etcd. */
  readonly revision: bigint;
  /** Newest compacted revision; -1n before the first compaction, as in etcd. */
  readonly compacted: bigint;
}

export const EMPTY_HEAD: Head = { sequence: 0n, revision: 1n, compacted: -1n };

/** One key's change inside a revision. */
export interface Change {
  readonly key: Buffer;
  /**
   * The key-value as the finished bytes of field 2 of RangeResponse and Event: tag 0x12, length,
   * mvccpb.KeyValue. A deletion's key-value holds `key` and `mod_revision` only.
   */
  readonly field: Buffer;
  readonly deleted: boolean;
  /**
   * `mod_revision` of the version that the key had before this revision; 0n when it had none.
   * A key changed twice in one revision has the same `previous` in both changes.
   */
  readonly previous: bigint;
  /** The lease that the key is attached to after the change; 0n is none, and always so when deleted. */
  readonly lease: bigint;
}

/** All changes of one revision, in the order in which they were made; never empty. */
export interface Revision {
  readonly revision: bigint;
  readonly changes: readonly Change[];
}

/** A write to the unversioned registry: `null` removes the entry. */
export interface RegistryWrite {
  readonly key: string;
  readonly value: Buffer | null;
}

/** What one commit appends, all or nothing, if and only if the storage's head still is `base`. */
export interface Commit {
  /** 16 random bytes, by which an outcome that was not confirmed is resolved. */
  readonly id: Buffer;
  readonly base: Head;
  /** The head that the commit makes: `base.sequence + 1n`, and the newest revision. */
  readonly head: Head;
  /**
   * From `base.revision + 1n` up to `head.revision`, in order; may be empty. Gapless, but for a restore, which leaves out
   * revisions at and below `head.compacted` of which compaction had left nothing.
   */
  readonly revisions: readonly Revision[];
  /** At most one write a key; may be empty. */
  readonly registry: readonly RegistryWrite[];
}

/** Keys from `start` on, below `end`; `end: null` has no upper bound. A single key K ends at K + 0x00. */
export interface Interval {
  readonly start: Buffer;
  readonly end: Buffer | null;
}

export interface RangeQuery {
  readonly interval: Interval;
  /** The revision to read at; 0n is the newest that the storage has when it reads. */
  readonly revision: bigint;
  /** At most so many key-values, from 0 (count alone) on. */
  readonly limit: number;
  /** Whether `count` is wanted. Counting must not read values. */
  readonly count: boolean;
  /** Key order, reversed. */
  readonly descending: boolean;
  /**
   * With revision 0n: whether the answer must hold every commit acknowledged before the call, by
   * whichever adapter. Otherwise what the process has last seen will do.
   */
  readonly linearizable: boolean;
}

export interface RangePage {
  /** The storage's head in the very snapshot that was read: with revision 0n, `head.revision` was read. */
  readonly head: Head;
  /** The key-values' fields (see Change.field), one behind the other, in the order asked for. */
  readonly fields: Buffer;
  readonly rows: number;
  /** Whether keys remain in the interval behind the last one returned. */
  readonly more: boolean;
  /** Keys in the interval at that revision, whatever the limit; 0n when not asked for. */
  readonly count: bigint;
}

export interface GetQuery {
  readonly keys: readonly Buffer[];
  /** As in RangeQuery. */
  readonly revision: bigint;
  readonly linearizable: boolean;
}

export interface GetResult {
  readonly head: Head;
  /** One entry for each key asked for, in the same order; undefined where there is no such key. */
  readonly fields: readonly (Buffer | undefined)[];
}

export interface ChangesQuery {
  /** Revisions above this one … */
  readonly after: bigint;
  /** … up to and with this one. */
  readonly through: bigint;
  /** Only changes of keys in it; null is every key. */
  readonly interval: Interval | null;
  /** About so many changes; the answer ends with a whole revision and holds one at least, if there is one. */
  readonly limit: number;
  /** Whether `previousField` is wanted. */
  readonly previous: boolean;
}

export interface LoggedChange extends Change {
  /** Its place among the changes that its revision had when it was committed, from 0 on. */
  readonly sub: number;
  /** The field of the version at `previous`, when asked for and still in the log. */
  readonly previousField?: Buffer;
}

export interface LoggedRevision {
  readonly revision: bigint;
  readonly changes: readonly LoggedChange[];
}

export interface ChangesPage {
  readonly revisions: readonly LoggedRevision[];
  /** All of the query's changes up to this revision are in the page; equals the query's `through` at the end. */
  readonly through: bigint;
}

export interface RegistryEntry {
  readonly key: string;
  /** null: the entry was removed. */
  readonly value: Buffer | null;
}

export interface SinceQuery {
  /** Up to which commit the caller knows everything; zeros are nothing. */
  readonly after: Pick<Head, "sequence" | "revision">;
  /** About so many changes of revisions above `after.revision`, as in ChangesQuery; 0: none. */
  readonly limit: number;
  /** Whether `previousField` is wanted. */
  readonly previous: boolean;
  /** Single keys whose newest field is wanted, too. */
  readonly keys: readonly Buffer[];
  /** Whether the answer must hold every commit acknowledged before the call. Otherwise what the process has last seen will do. */
  readonly linearizable: boolean;
  /**
   * Others are writing too, and a commit computed on the answer follows at once. A backend that has a lock for writers takes
   * it before it answers, with its newest head then, until that commit, `release`, or some ten milliseconds later.
   */
  readonly reserve: boolean;
}

/** The whole registry, and the head. */
export const REGISTRY: SinceQuery = {
  after: { sequence: 0n, revision: 0n },
  limit: 0,
  previous: false,
  keys: [],
  linearizable: true,
  reserve: false,
};

export interface RegistryNews {
  /** True when `entries` is the whole registry and whatever else the reader holds is gone. */
  readonly complete: boolean;
  /** Written after `after.sequence`, removals included. */
  readonly entries: readonly RegistryEntry[];
}

/** What has come since a head, in one snapshot. */
export interface News {
  readonly head: Head;
  /** From `after.revision` on, through `head.revision` if the limit allows. May hold nothing where its first revision is large. */
  readonly changes: ChangesPage;
  readonly registry: RegistryNews;
  /** One entry for each key asked for, in the same order; undefined where there is no such key. */
  readonly fields: readonly (Buffer | undefined)[];
}

/** Bytes in the backend: what the files or tables occupy, and what of it is live. */
export interface StorageSize {
  readonly total: bigint;
  readonly inUse: bigint;
}
