import type { Logger } from "pino";
import { EtcdError } from "../errors.js";
import { type Head, isStorageError, type QueryStorage } from "../storage/index.js";
import type { Committer } from "./committer.js";
import { pause } from "./faults.js";
import type { HeadObserver } from "./follower.js";
import { type Guard, guarded } from "./guard.js";

/** As etcd's compaction: so many rows a batch, and a pause between batches. */
const BATCH_ROWS = 1_000;
const BATCH_PAUSE_MS = 10;
const RETRY_PAUSE_MS = 1_000;
/**
 * How long another adapter's compaction is left to it. Where the backend holds the rows there is then nothing left
 * to do; where each process holds them in memory, each removes its own.
 */
const FOREIGN_DELAY_MS = 5_000;

/** Marks revisions as compacted, which is a commit, and removes in the background what that made unreachable. */
export class Compactor implements HeadObserver {
  private compacted = -1n;
  private timer: NodeJS.Timeout | undefined;
  private pruning: Promise<void> | undefined;
  private again = false;
  private closed = false;

  constructor(
    private readonly storage: QueryStorage,
    private readonly committer: Committer,
    private readonly logger: Logger,
  ) {}

  onHead(head: Head): void {
    if (head.compacted <= this.compacted) return;
    this.compacted = head.compacted;
    this.timer ??= setTimeout(
      () => {
        this.timer = undefined;
        void this.prune();
      },
      FOREIGN_DELAY_MS * (1 + Math.random()),
    ).unref();
  }

  /** `physical` also waits until the rows are gone. */
  async compact(revision: bigint, physical: boolean, guard?: Guard): Promise<void> {
    await this.committer.propose({
      keys: [],
      bytes: 32,
      alarmed: "shrinks",
      evaluate: (draft) =>
        guarded(guard, draft, () => {
          if (revision <= draft.compacted) throw new EtcdError("compacted");
          if (revision > draft.revision) throw new EtcdError("futureRevision");
          draft.compact(revision);
        }),
    });
    const pruned = this.prune();
    if (physical) await pruned;
  }

  /** Removes what is unreachable, from the last compaction or left by a process that ended in the middle. */
  prune(): Promise<void> {
    this.again = true;
    this.pruning ??= this.run().finally(() => {
      this.pruning = undefined;
    });
    return this.pruning;
  }

  async close(): Promise<void> {
    this.closed = true;
    clearTimeout(this.timer);
    await this.pruning;
  }

  private async run(): Promise<void> {
    while (this.again && !this.closed) {
      this.again = false;
      try {
        while (!this.closed && (await this.storage.prune(BATCH_ROWS))) await pause(BATCH_PAUSE_MS);
      } catch (error) {
        if (this.closed || isStorageError(error, "closed")) return;
        this.logger.warn({ err: error }, "compaction is interrupted, trying again");
        this.again = true;
        await pause(RETRY_PAUSE_MS);
      }
    }
  }
}
