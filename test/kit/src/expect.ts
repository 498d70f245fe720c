import assert from "node:assert/strict";
import {
  type Interval,
  type LoggedChange,
  type QueryStorage,
  type RangeQuery,
  REGISTRY,
} from "@etcd-adapter/core/storage";
import { showBytes, showField, splitFields } from "./key-value.js";
import { type Entry, hex, type Model } from "./model.js";
import { rangeQuery, readAll, readChanges } from "./reading.js";

/** Asks for the range and compares every part of the answer with the model's. */
export async function expectRange(
  storage: QueryStorage,
  model: Model,
  partial: Partial<RangeQuery>,
): Promise<void> {
  const query = rangeQuery(partial);
  const expected = model.range(query.interval, query.revision || model.head.revision);
  if (query.descending) expected.reverse();
  const label = `range ${showInterval(query)} at ${query.revision}, limit ${query.limit}${query.descending ? ", descending" : ""}`;
  const page = await storage.range(query);
  assert.deepEqual(page.head, model.head, label);
  assert.equal(page.count, query.count ? BigInt(expected.length) : 0n, `count of ${label}`);
  const fields = splitFields(page.fields);
  assert.equal(page.rows, fields.length, `rows of ${label}`);
  if (query.limit > 0) assert.equal(page.more, expected.length > page.rows, `more of ${label}`);
  const wanted = Math.min(query.limit, expected.length);
  assert.ok(
    page.rows <= wanted && (wanted === 0 || page.rows > 0),
    `rows of ${label}: ${page.rows} of ${wanted}`,
  );
  const all = wanted > page.rows ? (await readAll(storage, query)).fields : fields;
  assert.deepEqual(all.map(showField), expected.slice(0, wanted).map(showEntry), label);
}

export interface ChangesOptions {
  readonly after?: bigint;
  readonly through?: bigint;
  readonly interval?: Interval | null;
  readonly limit?: number;
  readonly pruned?: boolean;
}

/**
 * Compares the log with the model's. Above the compacted revision it must be complete; at and below it, complete
 * or without what the rule lets go, and after pruning to the end (`pruned`) exactly without that.
 */
export async function expectChanges(
  storage: QueryStorage,
  model: Model,
  options: ChangesOptions = {},
): Promise<void> {
  const { after = 0n, through = model.head.revision, interval = null, limit = 100, pruned = false } = options;
  const query = { after, through, interval, limit, previous: true };
  const revisions = await readChanges(storage, query);
  const got = new Map<string, LoggedChange>();
  for (const { revision, changes } of revisions) {
    for (const change of changes) got.set(`${revision}/${change.sub}`, change);
    assert.deepEqual(
      changes.map(({ sub }) => sub),
      changes.map(({ sub }) => sub).toSorted((a, b) => a - b),
    );
  }
  for (const entry of model.changes(query)) {
    const place = `${entry.revision}/${entry.sub}`;
    const change = got.get(place);
    got.delete(place);
    const gone = entry.revision <= model.head.compacted && model.isUnreachable(entry);
    if (change === undefined) assert.ok(gone, `change ${place} of ${showBytes(entry.key)} is missing`);
    else {
      assert.ok(!gone || !pruned, `change ${place} of ${showBytes(entry.key)} should have been pruned`);
      expectChange(change, entry, model, pruned);
    }
  }
  assert.deepEqual([...got.keys()], [], "changes that were never made, or are outside of the interval");
}

function expectChange(change: LoggedChange, entry: Entry, model: Model, pruned: boolean): void {
  const place = `change ${entry.revision}/${entry.sub}`;
  assert.equal(hex(change.key), hex(entry.key), place);
  assert.equal(showField(change.field), showEntry(entry), place);
  assert.ok(change.field.equals(entry.field), `${place}: the field's bytes`);
  assert.deepEqual(
    { deleted: change.deleted, previous: change.previous, lease: change.lease },
    { deleted: entry.deleted, previous: entry.previous, lease: entry.lease },
    place,
  );
  const previous = model.previous(entry);
  const got = change.previousField && showField(change.previousField);
  const kept = entry.revision > model.head.compacted;
  if (previous === undefined || (pruned && !kept)) assert.equal(got, undefined, `${place}: previousField`);
  else if (kept || got !== undefined) assert.equal(got, showEntry(previous), `${place}: previousField`);
}

/** Everything that a storage can be asked for, against the model. */
export async function expectState(
  storage: QueryStorage,
  model: Model,
  options: { pruned?: boolean } = {},
): Promise<void> {
  assert.deepEqual(await storage.head(), model.head);
  await expectRange(storage, model, { count: true });
  await expectChanges(storage, model, options);
  await expectRegistry(storage, model);
  const leases = new Set(model.entries.map(({ lease }) => lease).filter((lease) => lease !== 0n));
  for (const lease of leases) {
    const { head, keys } = await storage.leaseKeys(lease);
    assert.deepEqual(head, model.head);
    assert.deepEqual(keys.map(hex), model.leaseKeys(lease).map(hex), `keys of lease ${lease}`);
  }
  const last = model.commits.at(-1);
  if (last) assert.equal((await storage.commitId(last.head.sequence))?.toString("hex"), hex(last.id));
}

export async function expectRegistry(storage: QueryStorage, model: Model): Promise<void> {
  const { head, registry } = await storage.since(REGISTRY);
  assert.deepEqual(head, model.head);
  assert.equal(registry.complete, true, "from 0 on, the registry is whole");
  const entries = registry.entries.flatMap(({ key, value }): [string, string][] =>
    value === null ? [] : [[key, hex(value)]],
  );
  assert.deepEqual(entries.sort(), model.registry());
}

export function showEntry(entry: Entry): string {
  return showField(entry.field);
}

function showInterval({ interval }: RangeQuery): string {
  return `[${showBytes(interval.start)}, ${interval.end === null ? "∞" : showBytes(interval.end)})`;
}
