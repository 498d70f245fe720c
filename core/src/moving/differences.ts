import { createHash } from "node:crypto";
import type { KeyValue } from "../mvcc/record.js";

/** A key that the two sides do not have alike: what is wanted, and what is there. */
export interface Difference {
  readonly wanted: KeyValue | undefined;
  readonly present: KeyValue | undefined;
}

export interface DifferenceOptions {
  /** Whether create_revision, mod_revision and version count too. */
  readonly revisions?: boolean;
  readonly onRow?: () => void;
}

/** Keys in order, of two sides that are in order: those that differ. */
export async function* differences(
  wanted: AsyncGenerator<KeyValue>,
  present: AsyncGenerator<KeyValue>,
  { revisions = false, onRow }: DifferenceOptions = {},
): AsyncGenerator<Difference> {
  try {
    let left = await wanted.next();
    let right = await present.next();
    while (!left.done || !right.done) {
      onRow?.();
      const order = left.done ? 1 : right.done ? -1 : Buffer.compare(left.value.key, right.value.key);
      if (order < 0) {
        yield { wanted: left.value as KeyValue, present: undefined };
      } else if (order > 0) {
        yield { wanted: undefined, present: right.value as KeyValue };
      } else {
        const [one, other] = [left.value as KeyValue, right.value as KeyValue];
        if (!isSame(one, other) || (revisions && !hasSameRevisions(one, other))) {
          yield { wanted: one, present: other };
        }
      }
      if (order <= 0) left = await wanted.next();
      if (order >= 0) right = await present.next();
    }
  } finally {
    await Promise.all([wanted.return(undefined), present.return(undefined)]);
  }
}

function isSame(one: KeyValue, other: KeyValue): boolean {
  return one.lease === other.lease && one.value.equals(other.value);
}

function hasSameRevisions(one: KeyValue, other: KeyValue): boolean {
  return (
    one.createRevision === other.createRevision &&
    one.modRevision === other.modRevision &&
    one.version === other.version
  );
}

/** Rows on their way, and what they add up to. */
export class RowDigest {
  keys = 0;
  private readonly hash = createHash("sha256");

  constructor(private readonly revisions: boolean) {}

  async *through(rows: AsyncIterable<KeyValue>): AsyncGenerator<KeyValue> {
    for await (const row of rows) {
      this.keys++;
      const numbers = Buffer.alloc(8 * (this.revisions ? 6 : 3));
      const parts = [BigInt(row.key.length), BigInt(row.value.length), row.lease];
      if (this.revisions) parts.push(row.createRevision, row.modRevision, row.version);
      for (const [index, part] of parts.entries()) numbers.writeBigInt64BE(part, index * 8);
      this.hash.update(numbers).update(row.key).update(row.value);
      yield row;
    }
  }

  hex(): string {
    return this.hash.copy().digest("hex");
  }
}
