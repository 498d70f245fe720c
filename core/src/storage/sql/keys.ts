import { createHash } from "node:crypto";

/**
 * How much of a key stands in an index. PostgreSQL takes 2,704 bytes of one index entry, InnoDB and TiDB 3,072,
 * and beside the key stand its hash, a revision and a number. etcd knows no limit but that of a request.
 */
export const KEY_PREFIX_BYTES = 2400;

/**
 * A key as the tables hold it. (prefix, hash) is unique, (prefix, rest) compares as the key does: bytewise.
 * Only keys longer than the prefix have a hash and a rest.
 */
export interface SplitKey {
  readonly prefix: Buffer;
  readonly hash: Buffer;
  readonly rest: Buffer;
}

const NONE = Buffer.alloc(0);

export function splitKey(key: Buffer): SplitKey {
  if (!isLongKey(key)) return { prefix: key, hash: NONE, rest: NONE };
  const rest = key.subarray(KEY_PREFIX_BYTES);
  const hash = createHash("sha256").update(rest).digest();
  return { prefix: key.subarray(0, KEY_PREFIX_BYTES), hash, rest };
}

export function isLongKey(key: Buffer): boolean {
  return key.length > KEY_PREFIX_BYTES;
}

/** The key, when the interval holds no other. */
export function singleKey({ start, end }: { start: Buffer; end: Buffer | null }): Buffer | undefined {
  const single =
    end !== null && end.length === start.length + 1 && end.at(-1) === 0 && start.equals(end.subarray(0, -1));
  return single ? start : undefined;
}
