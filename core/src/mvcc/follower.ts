import {
  type Commit,
  type Head,
  type LoggedRevision,
  type News,
  type QueryStorage,
  REGISTRY,
  type SinceQuery,
} from "../storage/index.js";
import { pause } from "./faults.js";
import { KeyCache } from "./key-cache.js";
import { PrefixCache } from "./prefix-cache.js";
import { RegistryView } from "./registry-view.js";

export interface HeadObserver {
  /** The head after each commit or run of commits that was applied. */
  onHead(head: Head): void;
}

export interface RevisionObserver {
  /** Revisions that follow those given before, whole and without a gap, by whichever adapter. */
  onRevisions(revisions: readonly LoggedRevision[]): void;
  /** Whether the versions before are wanted, too; they cost the storage a look each. */
  readonly wantsPrevious?: boolean;
}

const PAGE_CHANGES = 2_000;
/** A push waits so long for a read that is under way anyway, until its turn has come. */
const RESERVED_MS = 5;

/**
 * The process's place in the storage's order of commits, and the only thing that moves it: own commits come
 * in directly, others' are read from the log. What is derived from the log (registry, watch, leases) hangs here.
 */
export class Follower {
  readonly registry = new RegistryView();
  /** True as of `revision` at the least: what is newer makes a commit on `head` a conflict. */
  readonly keys = new KeyCache();
  /** True as of `revision`. */
  readonly prefixes = new PrefixCache();
  private readonly observers: RevisionObserver[] = [];
  private readonly headObservers: HeadObserver[] = [];
  private current: Head = { sequence: -1n, revision: 0n, compacted: -1n };
  private published = 0n;
  private seen = 0n;
  private catching: Promise<void> | undefined;
  private again: Promise<void> | undefined;
  /** The sequence of this process's commit under way, and the newest that was pushed meanwhile. */
  private sent = 0n;
  private pushed = 0n;
  /** Reads under way that wait for their turn. */
  private reserving = 0;
  private readAtMs = Number.NEGATIVE_INFINITY;

  constructor(private readonly storage: QueryStorage) {}

  async start(): Promise<void> {
    const { head, registry } = await this.storage.since(REGISTRY);
    this.registry.applyNews(registry);
    this.current = head;
    this.published = head.revision;
  }

  observe(observer: RevisionObserver): void {
    this.observers.push(observer);
  }

  observeHead(observer: HeadObserver): void {
    this.headObservers.push(observer);
  }

  /** Up to which commit everything has been applied. */
  get head(): Head {
    return this.current;
  }

  /** Milliseconds since it has last read what was newest then, or newer than what it knew. */
  get ageMs(): number {
    return performance.now() - this.readAtMs;
  }

  /** The newest revision given to observers. */
  get revision(): bigint {
    return this.published;
  }

  /** The newest revision known to exist, by a read or a write of this process. */
  get knownRevision(): bigint {
    return this.seen > this.published ? this.seen : this.published;
  }

  /** Tells of a head that a read has seen. */
  note(head: Head): void {
    if (head.revision > this.seen) this.seen = head.revision;
    if (head.sequence > this.current.sequence) void this.catchUp().catch(() => {});
  }

  /**
   * Somebody is said to have made the commit `sequence`: resolves when it has been applied, or is this process's own, whose
   * answer is on its way.
   */
  async moved(sequence: bigint): Promise<void> {
    if (sequence <= this.current.sequence) return;
    if (sequence <= this.sent) {
      this.pushed = sequence;
      return;
    }
    if (this.reserving > 0) await pause(RESERVED_MS);
    if (sequence > this.current.sequence) await this.catchUp();
  }

  /** A commit of this process is sent … */
  sending(commit: Commit): void {
    this.sent = commit.head.sequence;
  }

  /** … and its outcome is known, or will not be for a while. `readsOn`: its maker reads what came instead. */
  settled(readsOn = false): void {
    this.sent = 0n;
    if (!readsOn && this.pushed > this.current.sequence) void this.catchUp().catch(() => {});
    this.pushed = 0n;
  }

  /** Applies a commit of this process that the storage has confirmed. */
  applyOwn(commit: Commit, revisions: readonly LoggedRevision[]): void {
    if (commit.head.sequence !== this.current.sequence + 1n) return;
    this.registry.apply(commit.registry);
    this.moveTo(commit.head);
    this.publish(revisions, true);
  }

  /**
   * Applies all that was committed before the call. A catch-up that is under way may have asked for the head
   * too early, so callers share the next one.
   */
  catchUp(): Promise<void> {
    if (!this.catching) {
      const reading = this.read({ keys: [], linearizable: true, reserve: false });
      this.catching = reading
        .then(() => {})
        .finally(() => {
          this.catching = undefined;
        });
      return this.catching;
    }
    this.again ??= this.catching
      .catch(() => {})
      .then(() => {
        this.again = undefined;
        return this.catchUp();
      });
    return this.again;
  }

  /** Reads on from here, and applies what has come. */
  async read(query: Pick<SinceQuery, "keys" | "linearizable" | "reserve">): Promise<News> {
    const { keys, linearizable, reserve } = query;
    const after = { sequence: this.current.sequence, revision: this.published };
    const previous = this.wantsPrevious;
    const news = await this.since({ keys, linearizable, reserve, after, limit: PAGE_CHANGES, previous });
    await this.apply(news, after.revision);
    // Whoever has moved on meanwhile knows better.
    if (news.head.sequence === this.current.sequence && news.head.revision === this.published) {
      for (const [index, key] of keys.entries()) this.keys.put(key, news.fields[index]);
    }
    return news;
  }

  private async since(query: SinceQuery): Promise<News> {
    const startedAtMs = performance.now();
    if (query.reserve) this.reserving++;
    try {
      const news = await this.storage.since(query);
      if (query.linearizable || news.head.sequence > query.after.sequence) this.readAtMs = startedAtMs;
      return news;
    } finally {
      if (query.reserve) this.reserving--;
    }
  }

  private get wantsPrevious(): boolean {
    return this.observers.some(({ wantsPrevious }) => wantsPrevious);
  }

  private async apply({ head, changes, registry }: News, after: bigint): Promise<void> {
    if (head.sequence <= this.current.sequence) return;
    // Deletions below the compacted revision may have been removed before they were seen here.
    if (after < head.compacted) this.forget();
    this.publish(changes.revisions, false);
    this.passed(changes.through);
    await this.publishThrough(head.revision);
    if (head.sequence <= this.current.sequence) return;
    this.registry.applyNews(registry);
    this.moveTo(head);
  }

  private forget(): void {
    this.keys.clear();
    this.prefixes.clear();
  }

  private moveTo(head: Head): void {
    this.current = head;
    for (const observer of this.headObservers) observer.onHead(head);
  }

  private async publishThrough(revision: bigint): Promise<void> {
    while (this.published < revision) {
      const { revisions, through } = await this.storage.changes({
        after: this.published,
        through: revision,
        interval: null,
        limit: PAGE_CHANGES,
        previous: this.wantsPrevious,
      });
      // What is compacted between two pages is not seen either.
      this.forget();
      this.publish(revisions, false);
      this.passed(through);
    }
  }

  /** Compaction may have removed revisions that were never read here: nothing is left of them to publish. */
  private passed(revision: bigint): void {
    if (revision > this.published) this.published = revision;
  }

  private publish(revisions: readonly LoggedRevision[], own: boolean): void {
    const news = revisions.filter((revision) => revision.revision > this.published);
    if (news.length === 0) return;
    this.published = news[news.length - 1]!.revision;
    this.keys.apply(news, own);
    this.prefixes.apply(news);
    for (const observer of this.observers) observer.onRevisions(news);
  }
}
