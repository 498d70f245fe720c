import type { EventBatch, Subscription } from "./group.js";
import type { WatchHub } from "./hub.js";
import type { Watcher } from "./watcher.js";

/** Where a stream's messages go. Each `false` asks to wait for WatchStream.drained. */
export interface WatchSink {
  events(watcher: Watcher, batch: EventBatch): boolean;
  /** The watcher's history below `compacted` is gone. */
  compacted(watcher: Watcher, compacted: bigint): void;
  progress(id: bigint, revision: bigint): void;
}

export interface WatchRequest extends Subscription {
  /** undefined: the lowest unused number from 0 on. */
  readonly id: bigint | undefined;
  /** 0n: what comes after now. */
  readonly startRevision: bigint;
  readonly fragment: boolean;
  readonly progressNotify: boolean;
}

export const ALL_WATCHERS = -1n;

/** A client's watches on one call, and whether the client keeps up. */
export class WatchStream {
  readonly watchers = new Map<bigint, Watcher>();
  writable = true;
  closed = false;
  private nextId = 0n;

  constructor(
    private readonly hub: WatchHub,
    private readonly sink: WatchSink,
  ) {}

  /** A new watcher, silent until `start`; undefined when the id is taken. */
  create(request: WatchRequest): Watcher | undefined {
    let id = request.id;
    if (id === undefined) {
      while (this.watchers.has(this.nextId)) this.nextId++;
      id = this.nextId++;
    }
    if (this.watchers.has(id)) return undefined;
    const watcher = this.hub.createWatcher(this, id, request);
    this.watchers.set(id, watcher);
    return watcher;
  }

  /** Lets the watcher's events flow; the client has been told of it. */
  start(watcher: Watcher): void {
    this.hub.startWatcher(watcher);
  }

  /** False when there is no such watcher. */
  cancel(id: bigint): boolean {
    const watcher = this.watchers.get(id);
    if (!watcher) return false;
    this.watchers.delete(id);
    this.hub.removeWatcher(watcher);
    return true;
  }

  /** Answers a progress request, or drops it as etcd does when a watcher is not up to date. */
  requestProgress(): void {
    const revision = this.hub.revision;
    if (this.watchers.size === 0) return;
    for (const watcher of this.watchers.values()) if (!isCurrent(watcher, revision)) return;
    this.sink.progress(ALL_WATCHERS, revision);
  }

  /** Periodic progress for watchers that asked for it and were silent. */
  notifyProgress(): void {
    const revision = this.hub.revision;
    for (const watcher of this.watchers.values()) {
      if (!watcher.options.progressNotify) continue;
      if (!watcher.active && this.writable && isCurrent(watcher, revision)) {
        this.sink.progress(watcher.id, revision);
      }
      watcher.active = false;
    }
  }

  deliver(watcher: Watcher, batch: EventBatch): boolean {
    this.hub.eventsSent += batch.events.length;
    this.writable = this.sink.events(watcher, batch);
    return this.writable;
  }

  endByCompaction(watcher: Watcher, compacted: bigint): void {
    this.sink.compacted(watcher, compacted);
  }

  /** The client can take messages again. */
  drained(): void {
    if (this.closed || this.writable) return;
    this.writable = true;
    this.hub.resume(this);
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    for (const watcher of this.watchers.values()) this.hub.removeWatcher(watcher);
    this.watchers.clear();
    this.hub.removeStream(this);
  }
}

function isCurrent(watcher: Watcher, revision: bigint): boolean {
  return watcher.state === "synced" && revision >= watcher.startRevision;
}
