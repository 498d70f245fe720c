import type { WatchRevision } from "./event.js";

/**
 * The newest revisions, kept in memory within a bound of bytes, so that watchers that start or fall a little
 * behind do not ask the storage.
 */
export class RecentHistory {
  /** In order from `head` on; the places before it are empty, and closed up now and then. */
  private revisions: (WatchRevision | undefined)[] = [];
  private head = 0;
  private bytes = 0;

  constructor(private readonly maxBytes = 24 * 1024 * 1024) {}

  add(revision: WatchRevision): void {
    const last = this.revisions.at(-1);
    // What compaction removed before it was read here leaves a gap: only what is above it is whole.
    if (last && revision.revision !== last.revision + 1n) this.clear();
    this.revisions.push(revision);
    this.bytes += sizeOf(revision);
    while (this.bytes > this.maxBytes && this.revisions.length - this.head > 1) {
      this.bytes -= sizeOf(this.revisions[this.head]!);
      this.revisions[this.head] = undefined;
      this.head++;
    }
    if (this.head > 1_024 && this.head * 2 > this.revisions.length) {
      this.revisions = this.revisions.slice(this.head);
      this.head = 0;
    }
  }

  /** At most `limit` revisions from `first` on; undefined when they are not all here, or lack the pairs before that are wanted. */
  from(first: bigint, limit: number, previous = false): readonly WatchRevision[] | undefined {
    const oldest = this.revisions[this.head]?.revision;
    if (oldest === undefined || first < oldest) return undefined;
    const start = this.head + Number(first - oldest);
    const found = this.revisions.slice(start, start + limit) as WatchRevision[];
    const lacks = previous && found.some(({ events }) => events.some((event) => event.lacksPrevious));
    return lacks ? undefined : found;
  }

  private clear(): void {
    this.revisions = [];
    this.head = 0;
    this.bytes = 0;
  }
}

function sizeOf(revision: WatchRevision): number {
  return revision.events.reduce((sum, event) => sum + event.size, 100);
}
