import { decodeLease, leaseOfEntry } from "../mvcc/lease-entry.js";
import { decodeField, type KeyValue } from "../mvcc/record.js";
import { accessEntries } from "./access.js";
import { ExternalSort } from "./external-sort.js";
import { readSnapshot, type SnapshotSummary } from "./snapshot-file.js";

const DELETED = Buffer.alloc(0);

/** What a snapshot holds at its newest revision, in the order of keys, as often as it is asked for. */
export class LiveRows {
  private constructor(
    private readonly sort: ExternalSort,
    readonly summary: SnapshotSummary,
  ) {}

  /** In bounded memory: what does not fit is sorted in `folder`. */
  static async of(path: string, folder: string): Promise<LiveRows> {
    const sort = new ExternalSort(folder);
    try {
      const summary = await readSnapshot(path, {
        async onChanges(changes) {
          for (const { key, field, deleted } of changes) await sort.add(key, deleted ? DELETED : field);
        },
      });
      return new LiveRows(sort, summary);
    } catch (error) {
      await sort.dispose();
      throw error;
    }
  }

  /** Ids, and the seconds that each was granted for. */
  get leases(): Map<bigint, bigint> {
    const leases = new Map<bigint, bigint>();
    for (const [key, value] of this.summary.registry) {
      const id = leaseOfEntry(key);
      if (id !== undefined) leases.set(id, decodeLease(value).ttlSeconds);
    }
    return leases;
  }

  /** Users and roles, as registry entries. */
  get access(): ReadonlyMap<string, Buffer> {
    return accessEntries(this.summary.registry);
  }

  async *rows(): AsyncGenerator<KeyValue> {
    let newest: { readonly key: Buffer; readonly value: Buffer } | undefined;
    for await (const record of this.sort.sorted()) {
      if (newest && !newest.key.equals(record.key) && newest.value.length > 0)
        yield decodeField(newest.value);
      newest = record;
    }
    if (newest && newest.value.length > 0) yield decodeField(newest.value);
  }

  dispose(): Promise<void> {
    return this.sort.dispose();
  }
}
