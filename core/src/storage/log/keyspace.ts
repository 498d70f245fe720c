import type { Interval } from "../model.js";
import { type KeyBounds, KeyTree } from "./key-tree.js";
import { LeaseIndex } from "./lease-index.js";
import { type Version, versionAt } from "./version.js";

export function keyBounds(interval: Interval): KeyBounds {
  return {
    low: interval.start.toString("latin1"),
    high: interval.end === null ? null : interval.end.toString("latin1"),
  };
}

/** The newest version of every key, in key order, and through it the older ones. */
export class Keyspace {
  readonly #newest = new KeyTree<Version>();
  /** Keys whose newest version is a tombstone: with their number, counting need not look at single versions. */
  readonly #deleted = new KeyTree<true>();
  readonly #leases = new LeaseIndex();
  #liveBytes = 0;

  /** Bytes of the fields that a read at the newest revision could return. */
  get liveBytes(): number {
    return this.#liveBytes;
  }

  get(key: string): Version | undefined {
    return this.#newest.get(key);
  }

  /** `version.older` is the key's newest version so far. */
  put(version: Version): void {
    const { key, older } = version;
    if (older !== undefined && older.lease !== null) this.#liveBytes -= older.field.length;
    if (older?.lease === null && version.lease !== null) this.#deleted.delete(key);
    this.#add(version, older?.lease ?? 0n);
  }

  /** As `put`, for the first and newest version of a key that the keyspace gets. */
  load(version: Version): void {
    this.#add(version, 0n);
  }

  /** Forgets a key whose newest version is the tombstone given. */
  forget(tombstone: Version): void {
    if (this.#newest.get(tombstone.key) !== tombstone) return;
    this.#newest.delete(tombstone.key);
    this.#deleted.delete(tombstone.key);
  }

  leaseKeys(lease: bigint): Buffer[] {
    return this.#leases.keys(lease).map((key) => Buffer.from(key, "latin1"));
  }

  countNewest(bounds: KeyBounds): number {
    return this.#newest.count(bounds) - this.#deleted.count(bounds);
  }

  countAt(bounds: KeyBounds, revision: number): number {
    let count = 0;
    this.scan(bounds, revision, false, () => {
      count++;
      return true;
    });
    return count;
  }

  /** Visits the versions that a read at `revision` sees, in key order or its reverse, until `visit` answers false. */
  scan(bounds: KeyBounds, revision: number, descending: boolean, visit: (version: Version) => boolean): void {
    const look = (newest: Version): boolean => {
      const version = versionAt(newest, revision);
      return version === undefined || visit(version);
    };
    if (descending) this.#newest.scanDown(bounds, look);
    else this.#newest.scan(bounds, look);
  }

  #add(version: Version, oldLease: bigint): void {
    if (version.lease === null) this.#deleted.set(version.key, true);
    else this.#liveBytes += version.field.length;
    this.#leases.move(version.key, oldLease, version.lease ?? 0n);
    this.#newest.set(version.key, version);
  }
}
