import {
  type Head,
  type Interval,
  type LoggedChange,
  type LoggedRevision,
  type QueryStorage,
  type RegistryWrite,
  StorageError,
} from "../storage/index.js";
import { after, contains, keyName } from "./keys.js";
import type { RowPage, RowSource } from "./range.js";
import {
  decodeField,
  encodeField,
  encodeTombstone,
  fieldKey,
  fieldRevision,
  type KeyValue,
  splitFields,
} from "./record.js";
import type { RegistryView } from "./registry-view.js";
import type { KeySpaceView } from "./transaction.js";

/** A key as the draft sees it. */
interface Entry {
  /** The live key-value's field; undefined when there is none. */
  field: Buffer | undefined;
  /** The revision that the draft changed it in; 0n when it is as the storage has it. */
  changed: bigint;
  /** The field before that revision. */
  before: Buffer | undefined;
}

/** Asks for a group of its own, because what is to be read is not in the storage yet. */
export class NeedsCommit extends Error {}

/**
 * What a group of proposals will make of the state at `base`. Proposals run one after another, each on
 * what those before it left, and each with its own revision; one that fails leaves nothing behind.
 * Everything is read at `base`: once somebody else has moved the head, reading rejects with `conflict`.
 */
export class Draft implements KeySpaceView {
  /** Of all the pages that were read. */
  pageBytes = 0;
  private readonly entries = new Map<string, Entry>();
  /** Keys attached to leases, at `base`. */
  private readonly leases = new Map<bigint, readonly Buffer[]>();
  private readonly registryWrites = new Map<string, Buffer | null>();
  private readonly done: LoggedRevision[] = [];
  private changes: LoggedChange[] = [];
  private undo: (() => void)[] = [];
  private compactedTo: bigint;

  constructor(
    readonly base: Head,
    private readonly storage: QueryStorage,
    private readonly registry: RegistryView,
  ) {
    this.compactedTo = base.compacted;
  }

  /** Gives what is known of a key at `base`, so that it need not be loaded. */
  know(key: Buffer, field: Buffer | undefined): void {
    const name = keyName(key);
    if (!this.entries.has(name)) this.remember(name, field);
  }

  /** The newest revision before the running proposal. */
  get revision(): bigint {
    return this.base.revision + BigInt(this.done.length);
  }

  /** The store's revision as the running proposal sees it: with its own, once it has changed something. */
  get currentRevision(): bigint {
    return this.changes.length > 0 ? this.revision + 1n : this.revision;
  }

  get compacted(): bigint {
    return this.compactedTo;
  }

  get revisions(): readonly LoggedRevision[] {
    return this.done;
  }

  get registryChanges(): RegistryWrite[] {
    return Array.from(this.registryWrites, ([key, value]) => ({ key, value }));
  }

  /** The head that committing this makes. */
  get head(): Head {
    return { sequence: this.base.sequence + 1n, revision: this.revision, compacted: this.compactedTo };
  }

  get isEmpty(): boolean {
    return (
      this.done.length === 0 && this.registryWrites.size === 0 && this.compactedTo === this.base.compacted
    );
  }

  /** Ends the running proposal: its changes are the next revision. */
  accept(): void {
    if (this.changes.length > 0) this.done.push({ revision: this.revision + 1n, changes: this.changes });
    this.changes = [];
    this.undo = [];
  }

  /** Ends the running proposal without a trace. */
  reject(): void {
    for (const undo of this.undo.reverse()) undo();
    this.changes = [];
    this.undo = [];
  }

  /** Fetches what `get` will be asked for, in one round trip. */
  async load(keys: readonly Buffer[]): Promise<void> {
    const missing = keys.filter((key) => !this.entries.has(keyName(key)));
    if (missing.length === 0) return;
    const found = await this.storage.get({ keys: missing, revision: 0n, linearizable: false });
    this.expectBase(found.head);
    for (const [index, key] of missing.entries()) this.know(key, found.fields[index]);
  }

  /** Fetches what `leaseKeys` will be asked for, at once, and the fields of all those keys. */
  async loadLeases(leases: readonly bigint[]): Promise<void> {
    if (leases.length === 0) return;
    const found = await Promise.all(leases.map((lease) => this.keysAtBase(lease)));
    await this.load(found.flat());
  }

  /** The field of a key that was loaded. */
  get(key: Buffer): Buffer | undefined {
    const entry = this.entries.get(keyName(key));
    if (!entry) throw new StorageError("internal", "a key was read before it was loaded");
    return entry.field;
  }

  async read(key: Buffer): Promise<KeyValue | undefined> {
    if (!this.entries.has(keyName(key))) await this.load([key]);
    const field = this.get(key);
    return field && decodeField(field);
  }

  put({ key, createRevision, version, value, lease }: Omit<KeyValue, "modRevision">): void {
    const modRevision = this.revision + 1n;
    const field = encodeField({ key, createRevision, modRevision, version, value, lease });
    this.change(key, field, lease, false);
  }

  delete(key: Buffer): void {
    this.change(key, encodeTombstone(key, this.revision + 1n), 0n, true);
  }

  registryGet(key: string): Buffer | undefined {
    const written = this.registryWrites.get(key);
    return written === undefined ? this.registry.get(key) : (written ?? undefined);
  }

  registryPut(key: string, value: Buffer | null): void {
    const had = this.registryWrites.has(key);
    const before = this.registryWrites.get(key);
    this.undo.push(() => {
      if (had) this.registryWrites.set(key, before!);
      else this.registryWrites.delete(key);
    });
    this.registryWrites.set(key, value);
  }

  *registryWithPrefix(prefix: string): Iterable<[string, Buffer]> {
    for (const entry of this.registry.withPrefix(prefix)) if (!this.registryWrites.has(entry[0])) yield entry;
    for (const [key, value] of this.registryWrites) if (value && key.startsWith(prefix)) yield [key, value];
  }

  compact(revision: bigint): void {
    const before = this.compactedTo;
    this.undo.push(() => {
      this.compactedTo = before;
    });
    this.compactedTo = revision;
  }

  /** Keys attached to the lease, in key order. */
  async leaseKeys(lease: bigint): Promise<Buffer[]> {
    const found = await this.keysAtBase(lease);
    const names = new Map(found.map((key) => [keyName(key), key]));
    for (const [name, entry] of this.entries) {
      if (entry.changed === 0n) continue;
      names.delete(name);
      if (entry.field && decodeField(entry.field).lease === lease) names.set(name, fieldKey(entry.field));
    }
    return [...names.values()].sort(Buffer.compare);
  }

  private async keysAtBase(lease: bigint): Promise<readonly Buffer[]> {
    const known = this.leases.get(lease);
    if (known) return known;
    const { head, keys } = await this.storage.leaseKeys(lease);
    this.expectBase(head);
    this.leases.set(lease, keys);
    return keys;
  }

  /** Rows at the newest revision, the running proposal's changes included. */
  async page(interval: Interval, limit: number, count: boolean, descending: boolean): Promise<RowPage> {
    const changed = this.changedIn(interval);
    let rest = interval;
    let total = 0n;
    for (let first = true; ; first = false) {
      const stored = await this.storage.range({
        interval: rest,
        revision: 0n,
        limit: limit === 0 ? 0 : limit + changed.size,
        count: count && first,
        descending,
        linearizable: false,
      });
      this.expectBase(stored.head);
      this.pageBytes += stored.fields.length;
      if (changed.size === 0) return stored;
      if (count && first) total = stored.count + (await this.countShift(changed, interval));
      const page = mergeRows(stored, changed, rest, limit, descending);
      // A page whose every row the draft deleted says nothing: the next one is read in its place.
      if (page.rows > 0 || !page.more) return { ...page, count: total };
      const last = Buffer.from(lastFieldKey(stored.fields));
      rest = descending ? { start: rest.start, end: last } : { start: after(last), end: rest.end };
    }
  }

  /** Rows at an older revision: the storage's, which no proposal can change. */
  async olderRows(revision: bigint): Promise<RowSource> {
    if (revision > this.base.revision) throw new NeedsCommit();
    return {
      page: async (interval, limit, count, descending) => {
        const read = { interval, revision, limit, count, descending, linearizable: false };
        const page = await this.storage.range(read);
        this.pageBytes += page.fields.length;
        return page;
      },
    };
  }

  private changedIn(interval: Interval): Map<string, Entry> {
    const found = new Map<string, Entry>();
    for (const [name, entry] of this.entries) {
      if (entry.changed > 0n && contains(interval, Buffer.from(name, "latin1"))) found.set(name, entry);
    }
    return found;
  }

  /** How many more keys than the storage counts there are. */
  private async countShift(changed: Map<string, Entry>, interval: Interval): Promise<bigint> {
    const names = [...changed.keys()].map((name) => Buffer.from(name, "latin1"));
    const stored = await this.storage.get({ keys: names, revision: 0n, linearizable: false });
    this.expectBase(stored.head);
    let shift = 0n;
    for (const entry of changed.values()) if (entry.field) shift++;
    for (const [index, field] of stored.fields.entries()) {
      if (field && contains(interval, names[index]!)) shift--;
    }
    return shift;
  }

  private remember(name: string, field: Buffer | undefined): Entry {
    const entry: Entry = { field, changed: 0n, before: undefined };
    this.entries.set(name, entry);
    return entry;
  }

  private change(key: Buffer, field: Buffer, lease: bigint, deleted: boolean): void {
    const name = keyName(key);
    const entry = this.entries.get(name);
    if (!entry) throw new StorageError("internal", "a key was changed before it was loaded");
    const { field: fieldBefore, changed: changedBefore, before: beforeBefore } = entry;
    this.undo.push(() => {
      entry.field = fieldBefore;
      entry.changed = changedBefore;
      entry.before = beforeBefore;
    });
    const revision = this.revision + 1n;
    if (entry.changed !== revision) entry.before = entry.field;
    entry.changed = revision;
    entry.field = deleted ? undefined : field;
    const own = Buffer.from(key);
    const sub = this.changes.length;
    const { before } = entry;
    // Written out: an object spread into another takes as long as all else that a put does here.
    this.changes.push(
      before
        ? { key: own, field, deleted, lease, sub, previous: fieldRevision(before), previousField: before }
        : { key: own, field, deleted, lease, sub, previous: 0n },
    );
  }

  /** Makes a row that a range has returned known, so that it can be changed. */
  adopt(field: Buffer): void {
    const name = keyName(fieldKey(field));
    if (!this.entries.has(name)) this.remember(name, field);
  }

  private expectBase(head: Head): void {
    if (head.sequence !== this.base.sequence) {
      throw new StorageError("conflict", "the head moved while a group was evaluated");
    }
  }
}

function lastFieldKey(fields: Buffer): Buffer {
  return fieldKey(splitFields(fields).at(-1)!);
}

/** A stored page with the draft's changes of the interval in it. */
function mergeRows(
  page: RowPage,
  changed: ReadonlyMap<string, Entry>,
  interval: Interval,
  limit: number,
  descending: boolean,
): Omit<RowPage, "count"> {
  const stored = splitFields(page.fields).map((field) => ({ name: keyName(fieldKey(field)), field }));
  const rows = stored.filter((row) => !changed.has(row.name));
  // Behind the last stored row of a page that is not the last, other stored rows may come first.
  const bound = page.more ? stored.at(-1)?.name : undefined;
  for (const [name, { field }] of changed) {
    if (!field || !contains(interval, Buffer.from(name, "latin1"))) continue;
    if (bound !== undefined && (descending ? name < bound : name > bound)) continue;
    rows.push({ name, field });
  }
  rows.sort((a, b) => (a.name < b.name ? -1 : 1) * (descending ? -1 : 1));
  const taken = rows.slice(0, limit);
  const fields = Buffer.concat(taken.map((row) => row.field));
  return { fields, rows: taken.length, more: limit > 0 && (page.more || rows.length > limit) };
}
