const POINT_END = Buffer.from([0]);

/** etcd's key and range_end: no end is the single key, an end of "\0" has no bound. */
export interface KeyRange {
  readonly key: Uint8Array;
  readonly rangeEnd: Uint8Array;
}

interface Interval {
  readonly start: Buffer;
  /** null: no bound. */
  end: Buffer | null;
}

function isOpenEnded(rangeEnd: Uint8Array): boolean {
  return rangeEnd.length === 1 && rangeEnd[0] === 0;
}

/** Whether a permission may be about this range. */
export function isValidRange({ key, rangeEnd }: KeyRange): boolean {
  if (key.length === 0) return false;
  return rangeEnd.length === 0 || isOpenEnded(rangeEnd) || Buffer.compare(key, rangeEnd) < 0;
}

/** Ranges of keys with those that overlap or touch joined, to be searched by bisection. */
export class KeyRanges {
  private readonly intervals: readonly Interval[];

  constructor(ranges: Iterable<KeyRange>) {
    this.intervals = joined(Array.from(ranges, intervalOf));
  }

  /**
   * Whether all keys of the range are in. Of an inverted range etcd asks for its first key only, and so
   * does this: the end can't lie behind an interval that holds the start.
   */
  cover(key: Buffer, rangeEnd: Buffer): boolean {
    const interval = this.at(key);
    if (!interval) return false;
    if (interval.end === null || rangeEnd.length === 0) return true;
    return !isOpenEnded(rangeEnd) && Buffer.compare(rangeEnd, interval.end) <= 0;
  }

  private at(key: Buffer): Interval | undefined {
    let low = 0;
    let high = this.intervals.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (Buffer.compare(this.intervals[middle]!.start, key) <= 0) low = middle + 1;
      else high = middle;
    }
    const found = this.intervals[low - 1];
    return found && (found.end === null || Buffer.compare(key, found.end) < 0) ? found : undefined;
  }
}

function intervalOf({ key, rangeEnd }: KeyRange): Interval {
  const start = Buffer.from(key);
  if (rangeEnd.length === 0) return { start, end: Buffer.concat([start, POINT_END]) };
  return { start, end: isOpenEnded(rangeEnd) ? null : Buffer.from(rangeEnd) };
}

function joined(intervals: Interval[]): Interval[] {
  intervals.sort((a, b) => Buffer.compare(a.start, b.start));
  const result: Interval[] = [];
  for (const interval of intervals) {
    const last = result.at(-1);
    if (!last || (last.end !== null && Buffer.compare(last.end, interval.start) < 0)) result.push(interval);
    else if (last.end !== null && (interval.end === null || Buffer.compare(interval.end, last.end) > 0)) {
      last.end = interval.end;
    }
  }
  return result;
}
