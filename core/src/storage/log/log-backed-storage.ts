import { setImmediate as nextTurn } from "node:timers/promises";
import { isStorageError, StorageError } from "../errors.js";
import type { LogStorage, Segment } from "../log-storage.js";
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
} from "../model.js";
import type { HeadListener, QueryStorage } from "../query-storage.js";
import { corrupt } from "./corrupt.js";
import { ReadBarrier } from "./read-barrier.js";
import { COMMIT_ID_BYTES, decodeSegment, encodeSegment } from "./segment.js";
import { decodeSnapshot } from "./snapshot.js";
import { Snapshotter } from "./snapshotter.js";
import { State, sameHead } from "./state.js";

export interface LogBackedOptions {
  /**
   * A snapshot is due after so many segments, or so many bytes of them (or the size of all live key-values, if
   * that is more). The same on all adapters of one backend.
   */
  readonly snapshotSegments?: number;
  readonly snapshotBytes?: number;
  /** Bytes to read of the log at once. */
  readonly readBytes?: number;
  /** Is told why a snapshot could not be written; the log is then longer until the next one. */
  readonly onSnapshotError?: (error: unknown) => void;
}

const SNAPSHOT_SEGMENTS = 5_000;
const SNAPSHOT_BYTES = 32 * 1024 * 1024;
const READ_BYTES = 4 * 1024 * 1024;

/**
 * The whole seam over a log: the state is the log's projection, in this process's memory. A read that must hold
 * what other adapters wrote asks for the log's end, takes over what is new, and then reads its own memory.
 *
 * A commit that meets a conflict takes over nothing: the core's next `head`, or any other linearizable call, does.
 * `prune` works on this process's memory only, so every adapter has to call it.
 */
export class LogBackedStorage implements QueryStorage {
  readonly shared: boolean;
  readonly subscribe?: (listener: HeadListener) => Promise<() => Promise<void>>;
  readonly #log: LogStorage;
  readonly #interval: { readonly segments: number; readonly bytes: number };
  readonly #readBytes: number;
  readonly #barrier = new ReadBarrier(() => this.#catchUp());
  readonly #snapshots: Snapshotter;
  #state: State;
  /** Whether the log may hold more than the state, though nobody else writes to it. */
  #doubtful = true;
  #closed = false;

  constructor(log: LogStorage, options: LogBackedOptions = {}) {
    this.shared = log.shared;
    if (log.subscribe !== undefined) {
      this.subscribe = async (listener) => {
        this.#refuseClosed();
        return log.subscribe!(listener);
      };
    }
    this.#log = log;
    this.#interval = {
      segments: options.snapshotSegments ?? SNAPSHOT_SEGMENTS,
      bytes: options.snapshotBytes ?? SNAPSHOT_BYTES,
    };
    this.#readBytes = options.readBytes ?? READ_BYTES;
    this.#snapshots = new Snapshotter(log, options.onSnapshotError ?? (() => undefined));
    this.#state = new State(this.#interval);
  }

  async open(): Promise<void> {
    this.#refuseClosed();
    await this.#log.open();
    const snapshot = await this.#log.loadSnapshot();
    if (snapshot !== undefined) this.#state = await decodeSnapshot(snapshot.chunks, this.#interval);
    await this.#barrier.pass();
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#snapshots.stop();
    await this.#log.close();
    await this.#barrier.settled();
  }

  async head(): Promise<Head> {
    return (await this.#current()).head;
  }

  async commit(commit: Commit): Promise<void> {
    this.#refuseClosed();
    refuseMalformed(commit);
    const { sequence } = commit.head;
    if (!sameHead(this.#state.head, commit.base)) throw conflict(sequence);
    let bytes: Buffer | undefined;
    try {
      await this.#log.append(sequence, () => {
        bytes ??= encodeSegment(commit);
        return bytes;
      });
    } catch (error) {
      this.#doubtful = true;
      throw error;
    }
    // A read in the meantime may have found the segment in the log, and taken it over from there.
    if (this.#state.head.sequence < sequence) this.#state.apply(commit, bytes?.length ?? 0);
    // A log that never wants the bytes keeps nothing, so there is nothing to shorten either.
    if (bytes !== undefined && this.#state.marks.has(Number(sequence))) this.#snapshots.start(this.#state);
  }

  async commitId(sequence: bigint): Promise<Buffer | undefined> {
    this.#refuseClosed();
    const state = sequence > this.#state.head.sequence ? await this.#current() : this.#state;
    return state.commitId(sequence);
  }

  async range(query: RangeQuery): Promise<RangePage> {
    return (await this.#stateFor(query)).range(query);
  }

  async get(query: GetQuery): Promise<GetResult> {
    return (await this.#stateFor(query)).get(query);
  }

  async leaseKeys(lease: bigint): Promise<{ head: Head; keys: Buffer[] }> {
    return (await this.#current()).leaseKeys(lease);
  }

  async changes(query: ChangesQuery): Promise<ChangesPage> {
    return (await this.#stateFor({ revision: query.through, linearizable: false })).changes(query);
  }

  /** Reserves nothing: these backends have no lock that costs less than a conflict. */
  async since(query: SinceQuery): Promise<News> {
    this.#refuseClosed();
    return (query.linearizable ? await this.#current() : this.#state).since(query);
  }

  async prune(limit: number): Promise<boolean> {
    this.#refuseClosed();
    return this.#state.prune(limit);
  }

  /** The backend's, or the state's own where the backend keeps nothing. */
  async size(): Promise<StorageSize> {
    this.#refuseClosed();
    const size = await this.#log.size();
    if (size.total > 0n) return size;
    const bytes = BigInt(this.#state.liveBytes);
    return { total: bytes, inUse: bytes };
  }

  /** Resolves when no snapshot is being written. */
  async snapshotsSettled(): Promise<void> {
    await this.#snapshots.settled();
  }

  /** The state, holding every commit acknowledged before the call. */
  async #current(): Promise<State> {
    this.#refuseClosed();
    if (this.shared || this.#doubtful) await this.#barrier.pass();
    this.#refuseClosed();
    return this.#state;
  }

  /** What is known will do for a serializable read, unless it asks for more than that. */
  async #stateFor(query: { revision: bigint; linearizable: boolean }): Promise<State> {
    this.#refuseClosed();
    const known = query.revision <= this.#state.head.revision;
    return known && !query.linearizable ? this.#state : this.#current();
  }

  async #catchUp(): Promise<void> {
    this.#doubtful = false;
    try {
      const last = await this.#log.last();
      while (this.#state.head.sequence < last) {
        this.#refuseClosed();
        await this.#takeOver(last);
        if (this.#state.head.sequence < last) await nextTurn();
      }
    } catch (error) {
      this.#doubtful = true;
      throw error;
    }
  }

  async #takeOver(last: bigint): Promise<void> {
    const after = this.#state.head.sequence;
    let segments: Segment[];
    try {
      segments = await this.#log.read(after, this.#readBytes);
    } catch (error) {
      if (isStorageError(error, "compacted")) return this.#reload();
      throw error;
    }
    if (segments.length === 0 && this.#state.head.sequence === after) {
      throw new StorageError(
        "internal",
        `The log ends at ${last}, but reading it after ${after} gave nothing`,
      );
    }
    for (const segment of segments) {
      // Our own append may have been acknowledged since.
      if (segment.sequence <= this.#state.head.sequence) continue;
      this.#state.apply(decodeSegment(segment), segment.bytes.length);
    }
  }

  /** The log no longer reaches down to where this process stands, but a snapshot above it does. */
  async #reload(): Promise<void> {
    const { sequence } = this.#state.head;
    const snapshot = await this.#log.loadSnapshot();
    if (snapshot === undefined || snapshot.sequence <= sequence) {
      throw corrupt(`Segment ${sequence + 1n} was removed, and no snapshot holds it`);
    }
    this.#state = await decodeSnapshot(snapshot.chunks, this.#interval);
  }

  #refuseClosed(): void {
    if (this.#closed) throw new StorageError("closed", "The storage was closed");
  }
}

function conflict(sequence: bigint): StorageError {
  return new StorageError("conflict", `Commit ${sequence} is not based on the newest head`);
}

/** What is in the log can never be taken back, so a fault of the core must not get there. */
function refuseMalformed({ id, base, head, revisions }: Commit): void {
  const fits =
    id.length === COMMIT_ID_BYTES &&
    head.sequence === base.sequence + 1n &&
    head.compacted >= base.compacted &&
    leavesOutCompacted(base, head, revisions);
  if (!fits) throw new StorageError("internal", `Commit ${head.sequence} contradicts itself`);
}

/** Whether revisions follow each other from base to head, and none is missing that is not compacted. */
function leavesOutCompacted(base: Head, head: Head, revisions: Commit["revisions"]): boolean {
  let next = base.revision + 1n;
  for (const { revision } of revisions) {
    if (revision < next || (revision > next && revision - 1n > head.compacted)) return false;
    next = revision + 1n;
  }
  return head.revision === next - 1n || (head.revision >= next && head.revision <= head.compacted);
}
