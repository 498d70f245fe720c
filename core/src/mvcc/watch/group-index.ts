import { SortedMap } from "../../storage/sorted-map.js";
import { after, keyName } from "../keys.js";
import { groupName, type Subscription, WatchGroup } from "./group.js";

interface RangeEntry {
  readonly group: WatchGroup;
  /** undefined: no upper bound. */
  readonly end: string | undefined;
}

/**
 * Watch groups by the keys that they cover. A key visits its own group and the ranges that start at or below
 * it: linear in the *distinct* such ranges, however many watchers share them.
 */
export class GroupIndex {
  private readonly groups = new Map<string, WatchGroup>();
  private readonly single = new Map<string, Set<WatchGroup>>();
  private readonly ranges = new SortedMap<string, Set<RangeEntry>>();
  private previousCount = 0;

  /** Whether any group wants the pairs before. */
  get wantPrevious(): boolean {
    return this.previousCount > 0;
  }

  groupFor(subscription: Subscription): WatchGroup {
    const name = groupName(subscription);
    let group = this.groups.get(name);
    if (!group) {
      group = new WatchGroup(name, subscription);
      this.groups.set(name, group);
      if (subscription.prevKv) this.previousCount++;
      this.insert(group);
    }
    return group;
  }

  remove(group: WatchGroup): void {
    if (this.groups.delete(group.name) && group.subscription.prevKv) this.previousCount--;
    const { start } = group.subscription.interval;
    const singles = this.single.get(keyName(start));
    singles?.delete(group);
    if (singles?.size === 0) this.single.delete(keyName(start));
    const entries = this.ranges.get(keyName(start));
    for (const entry of entries ?? []) if (entry.group === group) entries!.delete(entry);
    if (entries?.size === 0) this.ranges.delete(keyName(start));
  }

  /** Calls `found` for each group that covers the key. */
  visit(key: Buffer, found: (group: WatchGroup) => void): void {
    const name = keyName(key);
    for (const group of this.single.get(name) ?? []) found(group);
    this.ranges.forRange("", name, true, (_start, entries) => {
      for (const { group, end } of entries) if (end === undefined || name < end) found(group);
    });
  }

  private insert(group: WatchGroup): void {
    const { start, end } = group.subscription.interval;
    const name = keyName(start);
    if (end?.equals(after(start))) {
      addTo(this.single, name, group);
    } else {
      addTo(this.ranges, name, { group, end: end === null ? undefined : keyName(end) });
    }
  }
}

interface SetMap<T> {
  get(name: string): Set<T> | undefined;
  set(name: string, value: Set<T>): unknown;
}

function addTo<T>(map: SetMap<T>, name: string, value: T): void {
  const set = map.get(name);
  if (set) set.add(value);
  else map.set(name, new Set([value]));
}
