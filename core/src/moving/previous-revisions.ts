import { join } from "node:path";
import { ExternalSort, type SortedRecord } from "./external-sort.js";

export interface Place {
  readonly revision: bigint;
  readonly sub: number;
}

/**
 * Which revision each version of a key replaced, found out in bounded memory: sorted by key, versions lie behind one
 * another; sorted again by revision, what was found out comes in the order in which it is asked for.
 */
export class PreviousRevisions {
  private readonly byKey: ExternalSort;
  private readonly byRevision: ExternalSort;

  constructor(folder: string) {
    this.byKey = new ExternalSort(join(folder, "by-key"));
    this.byRevision = new ExternalSort(join(folder, "by-revision"));
  }

  /** In the order of revisions. Keeps `key`. */
  add(key: Buffer, { revision, sub, deleted }: Place & { readonly deleted: boolean }): Promise<void> {
    const value = placeBytes({ revision, sub }, 1);
    value[16] = Number(deleted);
    return this.byKey.add(key, value);
  }

  /** Once all are added. */
  async order(): Promise<void> {
    let key: Buffer | undefined;
    let revision = 0n;
    let before = 0n;
    let live = 0n;
    for await (const record of this.byKey.sorted()) {
      if (!key?.equals(record.key)) {
        key = record.key;
        revision = 0n;
        live = 0n;
      }
      const made = record.value.readBigInt64BE(0);
      // A key may change twice in a revision: both changes replace what was there before it.
      if (made !== revision) before = live;
      revision = made;
      live = record.value[16] === 1 ? 0n : made;
      if (before === 0n) continue;
      const found = Buffer.alloc(8);
      found.writeBigInt64BE(before);
      await this.byRevision.add(Buffer.from(record.value.subarray(0, 16)), found);
    }
    await this.byKey.dispose();
  }

  reader(): PreviousReader {
    return new PreviousReader(this.byRevision.sorted());
  }

  async dispose(): Promise<void> {
    await Promise.all([this.byKey.dispose(), this.byRevision.dispose()]);
  }
}

class PreviousReader {
  private next: IteratorResult<SortedRecord, unknown> | undefined;

  constructor(private readonly records: AsyncGenerator<SortedRecord>) {}

  /** 0n if there was none. To be asked in the order of places. */
  async of(place: Place): Promise<bigint> {
    this.next ??= await this.records.next();
    if (this.next.done || !this.next.value.key.equals(placeBytes(place))) return 0n;
    const found = this.next.value.value.readBigInt64BE(0);
    this.next = undefined;
    return found;
  }

  async close(): Promise<void> {
    await this.records.return(undefined);
  }
}

function placeBytes({ revision, sub }: Place, more = 0): Buffer {
  const bytes = Buffer.alloc(16 + more);
  bytes.writeBigInt64BE(revision, 0);
  bytes.writeBigInt64BE(BigInt(sub), 8);
  return bytes;
}
