import type { Interval } from "../storage/index.js";

const ZERO = Buffer.from([0]);

/**
 * etcd's key and range_end as an interval: no range_end is the single key, "\0" has no upper bound.
 * An end at or below the key is an interval that holds nothing.
 */
export function intervalOf(key: Buffer, rangeEnd: Buffer): Interval {
  if (rangeEnd.length === 0) return { start: key, end: Buffer.concat([key, ZERO]) };
  if (rangeEnd.length === 1 && rangeEnd[0] === 0) return { start: key, end: null };
  return { start: key, end: rangeEnd };
}

export function isEmpty(interval: Interval): boolean {
  return interval.end !== null && Buffer.compare(interval.end, interval.start) <= 0;
}

export function contains(interval: Interval, key: Buffer): boolean {
  return (
    Buffer.compare(key, interval.start) >= 0 &&
    (interval.end === null || Buffer.compare(key, interval.end) < 0)
  );
}

export function after(key: Buffer): Buffer {
  return Buffer.concat([key, ZERO]);
}

/** Keys as map keys: one character a byte, so that strings order as the bytes do. */
export function keyName(key: Buffer): string {
  return key.toString("latin1");
}
