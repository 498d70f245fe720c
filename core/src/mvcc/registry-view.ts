import type { RegistryNews, RegistryWrite } from "../storage/index.js";

export interface RegistryObserver {
  /** An entry was written, or removed when `value` is null. */
  onRegistry(key: string, value: Buffer | null): void;
}

/** The registry as of the follower's head, in memory: it is small (leases, users, roles, members, alarms). */
export class RegistryView {
  private readonly entries = new Map<string, Buffer>();
  private readonly observers: RegistryObserver[] = [];

  observe(observer: RegistryObserver): void {
    this.observers.push(observer);
    for (const [key, value] of this.entries) observer.onRegistry(key, value);
  }

  get(key: string): Buffer | undefined {
    return this.entries.get(key);
  }

  *withPrefix(prefix: string): Iterable<[string, Buffer]> {
    for (const entry of this.entries) if (entry[0].startsWith(prefix)) yield entry;
  }

  apply(writes: readonly RegistryWrite[]): void {
    for (const { key, value } of writes) this.write(key, value);
  }

  applyNews({ complete, entries }: RegistryNews): void {
    if (complete) {
      const present = new Set(entries.map((entry) => entry.key));
      for (const key of [...this.entries.keys()]) if (!present.has(key)) this.write(key, null);
    }
    this.apply(entries);
  }

  private write(key: string, value: Buffer | null): void {
    const before = this.entries.get(key);
    if (value === null ? before === undefined : before?.equals(value)) return;
    if (value === null) this.entries.delete(key);
    else this.entries.set(key, ownCopy(value));
    for (const observer of this.observers) observer.onRegistry(key, value);
  }
}

/** A piece of a larger buffer would keep all of that for as long as the entry stands. */
function ownCopy(value: Buffer): Buffer {
  const copy = Buffer.allocUnsafeSlow(value.length);
  value.copy(copy);
  return copy;
}
