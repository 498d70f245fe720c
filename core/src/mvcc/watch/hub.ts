import type { Logger } from "pino";
import { isStorageError, type LoggedRevision, type QueryStorage } from "../../storage/index.js";
import { Backoff } from "../faults.js";
import type { Follower, RevisionObserver } from "../follower.js";
import { type WatchEvent, type WatchRevision, watchRevision } from "./event.js";
import type { WatchGroup } from "./group.js";
import { GroupIndex } from "./group-index.js";
import { RecentHistory } from "./history.js";
import { Slabs } from "./slabs.js";
import { type WatchRequest, type WatchSink, WatchStream } from "./stream.js";
import { Watcher } from "./watcher.js";

/** As etcd, a turn of catching up reads at most so many revisions. */
const HISTORY_REVISIONS = 1_000;
const BATCH_BYTES = 1024 * 1024;

/**
 * Brings every watcher the log's revisions, in order, whole, once. A watcher that keeps up is given what is
 * published, encoded once for all that watch the same; one that does not is left where it is and reads
 * history when its client takes messages again, so that it costs the others nothing.
 */
export class WatchHub implements RevisionObserver {
  /** Events delivered to watchers so far, each as often as it was. */
  eventsSent = 0;
  private readonly groups = new GroupIndex();
  private readonly recent = new RecentHistory();
  /** Of the recent history. */
  private readonly memory = new Slabs();
  private readonly streams = new Set<WatchStream>();
  /** Watchers that read history right now. */
  private readonly reading = new Set<Watcher>();

  constructor(
    private readonly storage: QueryStorage,
    private readonly follower: Follower,
    private readonly logger: Logger,
  ) {
    follower.observe(this);
  }

  /** The newest revision that synced watchers have been given. */
  get revision(): bigint {
    return this.follower.revision;
  }

  get watcherCount(): number {
    let count = 0;
    for (const stream of this.streams) count += stream.watchers.size;
    return count;
  }

  /** Watchers that have to read history before they see what comes. */
  get slowWatcherCount(): number {
    let count = 0;
    for (const stream of this.streams) {
      for (const watcher of stream.watchers.values()) if (watcher.state === "unsynced") count++;
    }
    return count;
  }

  get streamCount(): number {
    return this.streams.size;
  }

  get wantsPrevious(): boolean {
    return this.groups.wantPrevious;
  }

  openStream(sink: WatchSink): WatchStream {
    const stream = new WatchStream(this, sink);
    this.streams.add(stream);
    return stream;
  }

  removeStream(stream: WatchStream): void {
    this.streams.delete(stream);
  }

  createWatcher(stream: WatchStream, id: bigint, request: WatchRequest): Watcher {
    const { interval, noPut, noDelete, prevKv, fragment, progressNotify } = request;
    const group = this.groups.groupFor({ interval, noPut, noDelete, prevKv });
    const start = request.startRevision > 0n ? request.startRevision : this.follower.knownRevision + 1n;
    const watcher = new Watcher(id, stream, group, { fragment, progressNotify }, start);
    group.watchers.add(watcher);
    // Until it is started nothing may be sent to it; what is published meanwhile it reads then.
    watcher.state = "unsynced";
    return watcher;
  }

  startWatcher(watcher: Watcher): void {
    if (watcher.next > this.revision) watcher.state = "synced";
    else void this.readHistory(watcher);
  }

  removeWatcher(watcher: Watcher): void {
    watcher.group.watchers.delete(watcher);
    if (watcher.group.watchers.size === 0) this.groups.remove(watcher.group);
  }

  /** A stream's client takes messages again. */
  resume(stream: WatchStream): void {
    for (const watcher of stream.watchers.values()) {
      if (watcher.state === "unsynced") void this.readHistory(watcher);
    }
  }

  onRevisions(logged: readonly LoggedRevision[]): void {
    const revisions = logged.map((revision) => watchRevision(revision, this.memory));
    for (const revision of revisions) this.recent.add(revision);
    for (const chunk of chunks(revisions)) this.publish(chunk);
  }

  notifyProgress(): void {
    for (const stream of this.streams) stream.notifyProgress();
  }

  private publish(revisions: readonly WatchRevision[]): void {
    const touched = new Set<WatchGroup>();
    for (const revision of revisions) {
      for (const event of revision.events) this.offer(event, touched);
    }
    const compacted = this.follower.head.compacted;
    for (const group of touched) {
      const events = group.pending;
      group.pending = [];
      const first = events[0]!.revision;
      // They were read before anybody asked for the pairs before.
      const lacks = group.subscription.prevKv && events.some((event) => event.lacksPrevious);
      const batch = group.encode(events, compacted)!;
      for (const watcher of group.watchers) {
        if (watcher.state !== "synced" || watcher.next > batch.revision) continue;
        if (lacks || !watcher.stream.writable || watcher.next > first) this.fallBehind(watcher, first);
        else watcher.deliver(batch);
      }
    }
  }

  private offer(event: WatchEvent, touched: Set<WatchGroup>): void {
    this.groups.visit(event.key, (group) => {
      if (!group.wants(event)) return;
      group.pending.push(event);
      touched.add(group);
    });
  }

  /** From `revision` on the watcher has to read history: its client is slow, or it starts inside a batch. */
  private fallBehind(watcher: Watcher, revision: bigint): void {
    watcher.state = "unsynced";
    if (watcher.next < revision) watcher.next = revision;
    if (watcher.stream.writable) void this.readHistory(watcher);
  }

  /** Reads and sends history until the watcher is synced or its client stops taking. */
  private async readHistory(watcher: Watcher): Promise<void> {
    if (this.reading.has(watcher)) return;
    this.reading.add(watcher);
    const backoff = new Backoff();
    try {
      while (this.isAlive(watcher) && watcher.stream.writable) {
        try {
          if (await this.historyTurn(watcher)) return;
        } catch (error) {
          if (!this.isAlive(watcher) || isStorageError(error, "closed")) return;
          this.logger.warn({ err: error }, "history for a watcher can't be read, trying again");
          await backoff.wait();
        }
      }
    } finally {
      this.reading.delete(watcher);
    }
  }

  private isAlive(watcher: Watcher): boolean {
    return watcher.state === "unsynced" && watcher.group.watchers.has(watcher);
  }

  /** One batch of history; true when the watcher is done. */
  private async historyTurn(watcher: Watcher): Promise<boolean> {
    if (await this.endIfCompacted(watcher)) return true;
    // No await from here to the end of a turn that memory serves: publication must not come in between.
    const through = this.revision;
    if (watcher.next > through) {
      watcher.state = "synced";
      return true;
    }
    const { prevKv } = watcher.group.subscription;
    const recent = this.recent.from(watcher.next, HISTORY_REVISIONS, prevKv);
    if (recent) {
      this.sendHistory(watcher, recent, recent.at(-1)!.revision);
      // A long history must not keep the event loop from everybody else.
      if (watcher.next <= this.revision) await new Promise(setImmediate);
      return false;
    }
    const page = await this.storage.changes({
      after: watcher.next - 1n,
      through,
      interval: watcher.group.subscription.interval,
      limit: HISTORY_REVISIONS,
      previous: prevKv,
    });
    if (!this.isAlive(watcher) || (await this.endIfCompacted(watcher))) return true;
    const memory = new Slabs();
    const revisions = page.revisions.map((revision) => watchRevision(revision, memory));
    this.sendHistory(watcher, revisions, page.through);
    return false;
  }

  private sendHistory(watcher: Watcher, revisions: readonly WatchRevision[], through: bigint): void {
    for (const chunk of chunks(revisions)) {
      if (!watcher.stream.writable) return;
      const batch = watcher.group.batch(chunk, this.follower.head.compacted);
      if (batch) watcher.deliver(batch);
      watcher.next = chunk.at(-1)!.revision + 1n;
    }
    if (watcher.next <= through && watcher.stream.writable) watcher.next = through + 1n;
  }

  /** Ends a watcher whose next revision may have been compacted away. */
  private async endIfCompacted(watcher: Watcher): Promise<boolean> {
    let { compacted } = this.follower.head;
    // Another adapter's compaction is known to the storage first, and always before it removes anything.
    if (this.storage.shared && !this.recent.from(watcher.next, 1, watcher.group.subscription.prevKv)) {
      compacted = (await this.storage.head()).compacted;
    }
    if (watcher.next >= compacted) return false;
    if (!this.isAlive(watcher)) return true;
    watcher.state = "compacted";
    watcher.stream.endByCompaction(watcher, compacted);
    return true;
  }
}

/** Runs of revisions of bounded size, each a message's worth. */
function* chunks(revisions: readonly WatchRevision[]): Iterable<readonly WatchRevision[]> {
  let start = 0;
  let bytes = 0;
  for (const [index, revision] of revisions.entries()) {
    const size = revision.events.reduce((sum, event) => sum + event.size, 0);
    if (index > start && bytes + size > BATCH_BYTES) {
      yield revisions.slice(start, index);
      start = index;
      bytes = 0;
    }
    bytes += size;
  }
  if (start < revisions.length) yield revisions.slice(start);
}
