import type { StorageError } from "../errors.js";
import type {
  Commit,
  GetResult,
  Head,
  Interval,
  LoggedChange,
  RangePage,
  RangeQuery,
  RegistryEntry,
  SinceQuery,
  StorageSize,
} from "../model.js";
import type { HeadListener } from "../query-storage.js";

/** A place in the log: change `sub` of a revision. -1 stands before a revision's first change. */
export interface LogPosition {
  readonly revision: bigint;
  readonly sub: number;
}

export type RowsQuery = Omit<RangeQuery, "revision" | "linearizable">;

export interface LogQuery {
  /** Rows behind this place … */
  readonly after: LogPosition;
  /** … up to and with this revision. */
  readonly through: bigint;
  readonly interval: Interval | null;
  /** At least 1. */
  readonly limit: number;
  /** Whether `previousField` is wanted. */
  readonly previous: boolean;
}

export interface LogRow {
  readonly revision: bigint;
  readonly change: LoggedChange;
}

export interface LogPage {
  readonly rows: LogRow[];
  /** Whether rows remain behind the last one. May be true with fewer rows than `limit`, never with none. */
  readonly more: boolean;
}

export interface SinceRows {
  readonly head: Head;
  /** Registry removals up to and with this sequence are no longer kept. */
  readonly floor: bigint;
  readonly entries: RegistryEntry[];
  /** Nothing when `limit` is 0. */
  readonly log: LogPage;
  readonly fields: readonly (Buffer | undefined)[];
}

export interface PruneState {
  readonly head: Head;
  /** As in SinceRows, and for commit ids. */
  readonly floor: bigint;
  /** The log's rows up to and with this place have been pruned for. */
  readonly pruned: LogPosition;
}

/** One batch of `prune`, to be made in one transaction, in the order in which the fields stand here. */
export interface PruneStep {
  /**
   * W is the log's rows in (after, through]. To be deleted, in this order: every row of the log with the key
   * of a row w of W and w's `previous` as its revision; every row with w's key and revision and a lower `sub`;
   * every deletion of W below `compacted`. The first must not lose a w that it deletes itself: deletions are
   * to be computed before they are made.
   */
  readonly window: { after: LogPosition; through: LogPosition; compacted: bigint } | undefined;
  /** Becomes PruneState.pruned. Two adapters may prune at once: whichever writes it last is right enough. */
  readonly pruned: LogPosition;
  /**
   * Commits up to and with `through` are deleted, and registry removals in (after, through]. Then the floor
   * becomes `through`, unless it is higher already: it must never sink.
   */
  readonly sequences: { after: bigint; through: bigint };
}

/**
 * What a database must be able to do for SqlStorage: each method is one round trip or one transaction, and
 * holds no decision that all databases share. Whatever has a `head` reads it in the snapshot that it reads
 * the rest in. Methods throw what the database's client throws: `storageError` gives it a code.
 *
 * The head is the row of `commits` with the largest sequence; the schema's first migration inserts the one of
 * EMPTY_HEAD. Calls may overlap, but for `commit`, of which there is one at a time.
 */
export interface SqlDriver {
  readonly shared: boolean;

  /** Connects and migrates (see migrations.ts). */
  open(): Promise<void>;

  /** In any state, also twice or after a failed `open`; calls that are under way end first, with a result or an error. */
  close(): Promise<void>;

  head(): Promise<Head>;

  /**
   * One transaction: `commits` gets `commit.head` if its newest row is `commit.base` (else StorageError
   * `conflict`), `log` all changes, `state` the last change of each key (see `lastChanges`), `registry` its writes.
   * Gives the writer lock back, if `since` has taken it, however it ends.
   */
  commit(commit: Commit): Promise<void>;

  /**
   * Entries of the registry with a sequence above `after.sequence`, removals included; rows of the log above
   * `after.revision`, `limit` at the most; the fields of `keys`. One statement, and so one snapshot.
   * `reserve`, on a database that several adapters share: first takes the writer lock, which is kept for the next commit,
   * `release`, or some ten milliseconds. Waits for the lock for a second or two at the most, and then goes on without it.
   */
  since(query: SinceQuery): Promise<SinceRows>;

  /** Gives the lock back, if it is held: no commit will follow. */
  release?(): void;

  commitId(sequence: bigint): Promise<Buffer | undefined>;

  /** From `state`, as RangePage says. `limit` has a bound already. */
  rangeNewest(query: RowsQuery): Promise<RangePage>;

  /** From `log` as of `revision`, wherever that stands to the head: the answer is judged by its head. */
  rangeAt(revision: bigint, query: RowsQuery): Promise<RangePage>;

  getNewest(keys: readonly Buffer[]): Promise<GetResult>;

  getAt(revision: bigint, keys: readonly Buffer[]): Promise<GetResult>;

  leaseKeys(lease: bigint): Promise<{ head: Head; keys: Buffer[] }>;

  /** By (revision, sub). */
  logRows(query: LogQuery): Promise<LogPage>;

  pruneState(): Promise<PruneState>;

  /** Where the `limit`-th log row behind `after` stands, up to and with revision `through`; undefined if fewer are there. */
  positionAt(after: LogPosition, through: bigint, limit: number): Promise<LogPosition | undefined>;

  prune(step: PruneStep): Promise<void>;

  size(): Promise<StorageSize>;

  defragment?(): Promise<void>;

  subscribe?(listener: HeadListener): Promise<() => Promise<void>>;

  /** The one place where the client's errors get their code. In a commit, a lost connection is `uncertain`. */
  storageError(error: unknown, during: "commit" | "other"): StorageError;
}
