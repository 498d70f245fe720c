import { join } from "node:path";
import { encodeLease, leaseEntry } from "../mvcc/lease-entry.js";
import { decodeField, encodeField, fieldKey } from "../mvcc/record.js";
import type { LoggedChange } from "../storage/index.js";
import { CallError, type Caller } from "./endpoint.js";
import { endpointLeases, endpointPages, leaseTtl } from "./endpoint-rows.js";
import { ExternalSort } from "./external-sort.js";
import { MovingError } from "./moving-error.js";
import type { Progress } from "./progress.js";
import { SnapshotBuilder } from "./snapshot-builder.js";
import { SnapshotWriter } from "./snapshot-writer.js";

const ATTEMPTS = 10;
/** For a lease that ended while its keys were read: they are to end soon, as they did at the source. */
const ENDING_TTL_SECONDS = 2n;

interface State {
  readonly revision: bigint;
  readonly leases: ReadonlyMap<bigint, bigint>;
}

/**
 * A snapshot of what an endpoint shows to anybody who may read: keys and values at one revision, with their revisions,
 * and leases; no history, no users. Pages come in the order of keys and are sorted by revision, in bounded memory.
 */
export async function rangedSnapshot(
  endpoint: Caller,
  target: string,
  folder: string,
  progress: Progress,
): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    const sort = new ExternalSort(join(folder, "by-revision"));
    try {
      const state = await readAll(endpoint, sort, progress);
      return await write(state, sort, target);
    } catch (error) {
      if (!(error instanceof CallError) || !error.isCompacted) throw error;
      if (attempt === ATTEMPTS) {
        throw new MovingError(`${endpoint.url}: compactions overtook ${ATTEMPTS} attempts to read it.`);
      }
      progress.note(`${endpoint.url} was compacted while it was read: starting over at its newest revision`);
    } finally {
      await sort.dispose();
    }
  }
}

async function readAll(endpoint: Caller, sort: ExternalSort, progress: Progress): Promise<State> {
  progress.begin("reading the source");
  const leases = await endpointLeases(endpoint);
  let at = 1n;
  for await (const { rows, revision } of endpointPages(endpoint, 0n)) {
    at = revision;
    for (const row of rows) {
      const place = Buffer.alloc(8);
      place.writeBigInt64BE(row.modRevision);
      await sort.add(place, encodeField(row));
      if (row.lease === 0n || leases.has(row.lease)) continue;
      leases.set(row.lease, (await leaseTtl(endpoint, row.lease)) ?? ENDING_TTL_SECONDS);
    }
    progress.add(rows.length);
  }
  progress.end();
  return { revision: at, leases };
}

async function write({ revision, leases }: State, sort: ExternalSort, target: string): Promise<void> {
  const writer = await SnapshotWriter.create(target);
  try {
    const builder = new SnapshotBuilder(writer);
    const entries = Array.from(leases, ([id, ttlSeconds]) => ({
      key: leaseEntry(id),
      value: encodeLease({ ttlSeconds, stamp: 0n }),
    }));
    await builder.begin(revision, entries);
    let main = 0n;
    let changes: LoggedChange[] = [];
    for await (const { key: place, value: field } of sort.sorted()) {
      const made = place.readBigInt64BE();
      if (made !== main && changes.length > 0) {
        await builder.add({ revision: main, changes });
        changes = [];
      }
      main = made;
      const { lease } = decodeField(field);
      const sub = changes.length;
      changes.push({ key: fieldKey(field), field, sub, deleted: false, previous: 0n, lease });
    }
    if (changes.length > 0) await builder.add({ revision: main, changes });
    // Nothing of what was before is known, so nothing before may be asked for.
    await builder.end(revision, revision);
  } catch (error) {
    await writer.abandon();
    throw error;
  }
}
