import type { Interval } from "@etcd-adapter/core/storage";
import { KEY_PREFIX_BYTES, splitKey } from "@etcd-adapter/core/storage/sql";
import type { Row, Value } from "./connection.js";

/**
 * Long keys with a common prefix stand in the index by their hash. Here they are sorted, which takes all keys with that
 * prefix: a group.
 */
export interface Version {
  readonly prefix: Buffer;
  readonly rest: Buffer;
  readonly field: Buffer;
  readonly deleted: boolean;
}

const ZERO = Buffer.of(0);

export function version(prefix: Value, rest: Value, field: Value, deleted: boolean): Version {
  return { prefix: prefix as Buffer, rest: rest as Buffer, field: field as Buffer, deleted };
}

/** Rows of prefix, rest, hash, sub, deleted, field: of a key's, the one with the largest sub. */
export function newestOfEach(rows: readonly Row[]): Version[] {
  const newest = new Map<string, Row>();
  for (const row of rows) {
    const [prefix, , hash, sub] = row;
    const key = `${(prefix as Buffer).toString("latin1")}/${(hash as Buffer).toString("latin1")}`;
    const known = newest.get(key);
    if (!known || (known[3] as number) < (sub as number)) newest.set(key, row);
  }
  return Array.from(newest.values(), ([prefix, rest, , , deleted, field]) =>
    version(prefix!, rest!, field!, deleted === 1),
  );
}

/**
 * The groups that are complete, sorted; `last` is the prefix behind which more may be. Undefined if not even one is
 * complete, because there were as many keys as were asked for.
 */
export function wholeGroups(
  versions: readonly Version[],
  limit: number,
  descending: boolean,
): { versions: Version[]; last: Buffer | undefined } | undefined {
  const sign = descending ? -1 : 1;
  const sorted = [...versions].sort(
    (a, b) => sign * (Buffer.compare(a.prefix, b.prefix) || Buffer.compare(a.rest, b.rest)),
  );
  const last = sorted.at(-1)?.prefix;
  if (versions.length < limit || !last) return { versions: sorted, last: undefined };
  // A shorter key is alone with its prefix.
  if (last.length < KEY_PREFIX_BYTES) return { versions: sorted, last };
  const whole = sorted.filter(({ prefix }) => !prefix.equals(last));
  return whole.length === 0 ? undefined : { versions: whole, last: whole.at(-1)!.prefix };
}

/** The part of an interval behind the group of `last`; undefined if it is empty. */
export function behind({ start, end }: Interval, last: Buffer, descending: boolean): Interval | undefined {
  if (descending) return Buffer.compare(start, last) < 0 ? { start, end: last } : undefined;
  const next = last.length < KEY_PREFIX_BYTES ? Buffer.concat([last, ZERO]) : successor(last);
  if (next === undefined || (end && Buffer.compare(next, end) >= 0)) return undefined;
  return { start: next, end };
}

export function contains({ start, end }: Interval, { prefix, rest }: Version): boolean {
  return compare(prefix, rest, start) >= 0 && (end === null || compare(prefix, rest, end) < 0);
}

function compare(prefix: Buffer, rest: Buffer, key: Buffer): number {
  const parts = splitKey(key);
  return Buffer.compare(prefix, parts.prefix) || Buffer.compare(rest, parts.rest);
}

/** The smallest of the byte strings that neither are `bytes` nor begin with it, and come behind it. */
function successor(bytes: Buffer): Buffer | undefined {
  let length = bytes.length;
  while (length > 0 && bytes[length - 1] === 0xff) length--;
  if (length === 0) return undefined;
  const next = Buffer.from(bytes.subarray(0, length));
  next[length - 1]!++;
  return next;
}
