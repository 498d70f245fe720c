import type { Interval } from "@etcd-adapter/core/storage";

/** How much one call may read. What needs more goes to the reader thread. */
export interface Bounds {
  readonly rows: number;
  /** About so many bytes of fields. */
  readonly bytes: number;
  /** The largest count. */
  readonly count: number;
}

/** Rows whose size nobody knows yet: 24 MiB of the largest requests that etcd takes. */
const FIRST_ROWS = 16;

/**
 * Splits a page into statements by the size of the rows so far, since a statement's answer is one value,
 * which must not grow to gigabytes.
 */
export class PageBudget {
  rows = 0;
  private bytes = 0;

  constructor(
    private readonly limit: number,
    private readonly maxBytes: number,
  ) {}

  /** Rows that the next statement should ask for; 0 when the page is full. */
  next(): number {
    if (this.rows === 0) return Math.min(this.limit, FIRST_ROWS);
    const average = Math.max(1, this.bytes / this.rows);
    const affordable = Math.floor((this.maxBytes - this.bytes) / average);
    return Math.max(0, Math.min(this.limit - this.rows, affordable));
  }

  took(rows: number, bytes: number): void {
    this.rows += rows;
    this.bytes += bytes;
  }
}

const ZERO = Buffer.of(0);

/** The part of an interval behind `last`, in the order of reading. */
export function remainder(interval: Interval, last: Buffer, descending: boolean): Interval {
  return descending
    ? { start: interval.start, end: last }
    : { start: Buffer.concat([last, ZERO]), end: interval.end };
}
