import type { Head } from "@etcd-adapter/core/storage";

/** In what order tables may be read. */
export class Scans {
  /**
   * Whether rows may be read backwards. Not so on TiDB's built-in store, for tests and trials: it begins such a scan before it
   * knows at which point in time, and so shows rows that came later. TiDB on TiKV has no such fault.
   */
  backwards = true;

  /** Whether rows that were found by one index are counted by another one: see `refuseTorn`. Not worth a look on TiDB. */
  areDoubted = true;

  /** The largest commit sequence seen: where to begin, when not from the end. */
  private known = 0n;

  saw({ sequence }: Head): void {
    if (sequence > this.known) this.known = sequence;
  }

  /** `order by` of columns of bytes, from the last to the first. */
  descending(...columns: string[]): string {
    // An order that no index has keeps the database from reading one backwards.
    return columns.map((column) => (this.backwards ? `${column} desc` : `hex(${column}) desc`)).join(", ");
  }

  /** The row of `table` with the largest number in `column`. */
  last(columns: string, table: string, column: string): string {
    return this.backwards
      ? `select ${columns} from ${table} order by ${column} desc limit 1`
      : `select ${columns} from ${table} where ${column} >= ${this.known} order by ${column} + 0 desc limit 1`;
  }
}
