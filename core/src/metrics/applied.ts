import type { RevisionObserver } from "../mvcc/follower.js";
import { leaseOfEntry } from "../mvcc/lease-entry.js";
import type { RegistryObserver } from "../mvcc/registry-view.js";
import type { Store } from "../mvcc/store.js";
import type { LoggedRevision } from "../storage/index.js";

/** Counts what is applied, by whichever adapter it was written: as every member of an etcd cluster does. */
export class Applied implements RevisionObserver, RegistryObserver {
  puts = 0;
  deletes = 0;
  putBytes = 0;
  leasesGranted = 0;
  leasesRevoked = 0;
  /** By how much the number of keys has changed since this began to count. */
  private keysShift = 0;
  private keysAtStart: number | undefined;
  private counting = false;
  private readonly leases = new Set<bigint>();
  private started = false;

  constructor(private readonly store: Store) {
    store.follower.observe(this);
    store.follower.registry.observe(this);
    this.started = true;
  }

  /** Keys at the newest revision; undefined until they were counted once. */
  get keys(): number | undefined {
    if (this.keysAtStart === undefined) void this.countKeys();
    return this.keysAtStart === undefined ? undefined : this.keysAtStart + this.keysShift;
  }

  onRevisions(revisions: readonly LoggedRevision[]): void {
    for (const { changes } of revisions) {
      for (const { deleted, previous, field } of changes) {
        if (deleted) {
          this.deletes++;
          if (previous > 0n) this.keysShift--;
        } else {
          this.puts++;
          this.putBytes += field.length;
          if (previous === 0n) this.keysShift++;
        }
      }
    }
  }

  onRegistry(key: string, value: Buffer | null): void {
    const id = leaseOfEntry(key);
    if (id === undefined) return;
    if (value === null) {
      if (this.leases.delete(id)) this.leasesRevoked++;
    } else if (!this.leases.has(id)) {
      this.leases.add(id);
      if (this.started) this.leasesGranted++;
    }
  }

  /** Counting reads every key's row on some backends: it is done once. */
  private async countKeys(): Promise<void> {
    if (this.counting) return;
    this.counting = true;
    const shift = this.keysShift;
    try {
      const page = await this.store.storage.range({
        interval: { start: Buffer.alloc(0), end: null },
        revision: this.store.follower.revision,
        limit: 0,
        count: true,
        descending: false,
        linearizable: false,
      });
      this.keysAtStart = Number(page.count) - shift;
    } catch {
      // The next scrape tries again.
      this.counting = false;
    }
  }
}
