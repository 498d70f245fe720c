import type { EventBatch, WatchGroup } from "./group.js";
import type { WatchStream } from "./stream.js";

export type WatcherState =
  /** Gets each publication as it comes. */
  | "synced"
  /** Has to read history from `next` on. */
  | "unsynced"
  /** Ended by compaction; as in etcd it keeps its id and holds back progress until it is cancelled. */
  | "compacted";

/** One watch of a client. */
export class Watcher {
  state: WatcherState = "synced";
  /** The next revision that it has to see. */
  next: bigint;
  /** Whether something was sent since the last periodic progress report. */
  active = false;

  constructor(
    readonly id: bigint,
    readonly stream: WatchStream,
    readonly group: WatchGroup,
    readonly options: { readonly fragment: boolean; readonly progressNotify: boolean },
    /** The first revision asked for. */
    readonly startRevision: bigint,
  ) {
    this.next = startRevision;
  }

  /** Sends a batch; false when the stream wants no more until it drains. */
  deliver(batch: EventBatch): boolean {
    this.active = true;
    this.next = batch.revision + 1n;
    return this.stream.deliver(this, batch);
  }
}
