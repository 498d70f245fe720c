import type {
  ChangesPage,
  ChangesQuery,
  Commit,
  GetQuery,
  GetResult,
  Head,
  News,
  RangePage,
  RangeQuery,
  SinceQuery,
  StorageSize,
} from "./model.js";

/**
 * The seam that everything above stands on: a log of commits with one order, and its projection.
 * Databases implement it themselves; a small coordinator implements LogStorage, and the core builds
 * this interface over it.
 *
 * All calls reject with a StorageError (see its table). Reads may overlap each other and a commit; the
 * core has one commit in flight at a time. Several processes may use one backend at once unless
 * `shared` is false. Buffers handed out belong to the caller, those handed in stay unchanged.
 */
export interface QueryStorage {
  /** Whether several adapters may use the backend at the same time. If not, `open` refuses a second one. */
  readonly shared: boolean;

  /**
   * Connects, and creates or migrates what the backend must hold: safe when many processes do it at once.
   * Called once, before anything else. Rejects with `misconfigured` for what only a person can repair.
   */
  open(): Promise<void>;

  /** Ends pending work and frees everything, in any state; later calls reject with `closed`. */
  close(): Promise<void>;

  /** The newest head, holding every commit that was acknowledged before the call by any adapter. */
  head(): Promise<Head>;

  /**
   * Appends the commit, durably and atomically, if the head still is `commit.base`: in sequence, and so in
   * revision. Otherwise changes nothing and rejects with `conflict`.
   * The compacted revision becomes `commit.head.compacted`. When the outcome is unknown it rejects with
   * `uncertain`, and the core calls it again with the same commit: a storage need not recognise that
   * (the second rejects with `conflict` if the first was applied).
   */
  commit(commit: Commit): Promise<void>;

  /** The id of the commit that made `sequence`; undefined when there is none, or it was pruned. At least the newest 1,000 are kept. */
  commitId(sequence: bigint): Promise<Buffer | undefined>;

  /**
   * Key-values of an interval at one revision, read in one snapshot. May return fewer rows than `limit`,
   * but one at least if there is one and `limit` > 0: then `more` is true.
   * Rejects with `compacted` if 0 < revision < compacted, `future` if revision > head.revision.
   */
  range(query: RangeQuery): Promise<RangePage>;

  /** Single keys at one revision, read in one snapshot. Errors as in `range`. */
  get(query: GetQuery): Promise<GetResult>;

  /** The keys attached to a lease at the newest revision, in key order. */
  leaseKeys(lease: bigint): Promise<{ head: Head; keys: Buffer[] }>;

  /**
   * What the log holds of the revisions in (after, through], in order, whole revisions only. Above the
   * compacted revision that is every change; at and below it, what compaction has left.
   * `through` is at most the head's revision (else `future`).
   */
  changes(query: ChangesQuery): Promise<ChangesPage>;

  /**
   * All that came after a head that the caller knows, registry and log, and the newest fields of some keys: in one snapshot,
   * and best in one round trip. It is how an adapter keeps up, and what it computes a commit on.
   */
  since(query: SinceQuery): Promise<News>;

  /** Gives back what `since` has reserved: no commit will follow. Absent: nothing is ever reserved. */
  release?(): Promise<void>;

  /**
   * Removes about `limit` rows that compaction made unreachable, and resolves with whether more are left.
   * Unreachable is, with C the compacted revision: a version that a later change with revision ≤ C replaced,
   * and a deletion below C (the one at C stays, as in etcd). Also old commit ids and registry removals.
   * Never blocks commits or reads for longer than such a batch takes. Any adapter may call it at any time.
   */
  prune(limit: number): Promise<boolean>;

  size(): Promise<StorageSize>;

  /** Gives space back to the system where the backend can, etcd's Defragment. */
  defragment?(): Promise<void>;

  /**
   * Calls `onMoved` soon after anybody moved the head, at the least once for the newest move, with its sequence
   * where the push brings it; may call too often. Resolves with the function that ends it. Calls `onLost` when the push is interrupted, until when
   * the core polls instead, and `onMoved` again once it is restored. Absent: the core polls `head`.
   */
  subscribe?(listener: HeadListener): Promise<() => Promise<void>>;
}

export interface HeadListener {
  onMoved(sequence?: bigint): void;
  onLost(cause: unknown): void;
}
