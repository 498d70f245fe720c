import { AnswerTooLarge } from "./connection.js";

/** What a page should hold, and what no page may. */
const PAGE_BYTES = 4 << 20;
export const MOST_PAGE_BYTES = 32 << 20;
/** Of a row that nobody has seen yet. */
const FIRST_ROW_BYTES = 2_048;

/**
 * How many rows to ask for, when only their number can be asked for. Learns from the pages read; a page that turns out
 * to be much too large is broken off and read again in smaller ones.
 */
export class PageSize {
  private rowBytes = FIRST_ROW_BYTES;

  rows(limit: number): number {
    return Math.max(1, Math.min(limit, Math.floor(PAGE_BYTES / this.rowBytes)));
  }

  /** Reads about `limit` rows, or fewer if the answer turns out too large. Two are read whatever their size. */
  async read<T>(limit: number, attempt: (rows: number, maxBytes: number) => Promise<T>): Promise<T> {
    for (let rows = limit; ; ) {
      try {
        return await attempt(rows, rows <= 2 ? Number.POSITIVE_INFINITY : MOST_PAGE_BYTES);
      } catch (error) {
        if (!(error instanceof AnswerTooLarge)) throw error;
        this.wasTooLarge(rows);
        rows = Math.max(2, Math.floor(rows / 8));
      }
    }
  }

  /** Grows at once, and sinks slowly: what has been large may come again. */
  took(rows: number, bytes: number): void {
    if (rows === 0) return;
    const average = bytes / rows;
    this.rowBytes = Math.max(1, average > this.rowBytes ? average : (this.rowBytes + average) / 2);
  }

  /** A page of so many rows was broken off. */
  wasTooLarge(rows: number): void {
    this.rowBytes = Math.max(this.rowBytes * 2, MOST_PAGE_BYTES / rows);
  }
}
