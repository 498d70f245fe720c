import type { Head, Interval, RangePage } from "@etcd-adapter/core/storage";
import { isLongKey, type Lanes, type RowsQuery } from "@etcd-adapter/core/storage/sql";
import type { Connection, Row } from "./connection.js";
import { behind, contains, newestOfEach, type Version, version, wholeGroups } from "./key-groups.js";
import { MOST_PAGE_BYTES, PageSize } from "./page-size.js";
import { headOf, refuseTorn } from "./rows.js";
import type { Statements } from "./statements.js";

/** Rows of the first try where keys have to be sorted here. */
const FEWEST_ROWS = 64;

interface Answer {
  readonly head: Head;
  readonly rows: readonly Row[];
  readonly count: readonly Row[] | undefined;
  /** As many rows as were asked for, in the end. */
  readonly limit: number;
}

/** Pages of the state and of the log. */
export class Ranges {
  private readonly size = new PageSize();

  constructor(
    private readonly lanes: Lanes<Connection>,
    private readonly sql: Statements,
  ) {}

  async newest(query: RowsQuery): Promise<RangePage> {
    const { interval, descending } = query;
    const isLong = isLongKey(interval.start) || (interval.end !== null && isLongKey(interval.end));
    if (isLong) return this.newestWithLongKeys(query);
    const wanted = Math.min(query.limit, this.size.rows(query.limit));
    const count = query.count ? [this.sql.count(interval)] : [];
    // One row more tells whether there are more.
    const answer = await this.read(wanted + 1, (limit) => [
      this.sql.fields(interval, descending, limit),
      ...count,
    ]);
    const { rows, limit } = answer;
    if (rows.some(([, hash]) => (hash as Buffer).length > 0)) return this.newestWithLongKeys(query);
    const kept = Math.min(query.limit, limit - 1);
    const fields = rows.slice(0, kept).map(([field]) => field as Buffer);
    return this.page(answer, fields, rows.length > kept);
  }

  /** Versions at `revision` never change, so several snapshots are as good as one. The last one's head counts. */
  async at(revision: bigint, query: RowsQuery): Promise<RangePage> {
    const { interval, descending, limit } = query;
    const found: Version[] = [];
    let rest: Interval | undefined = interval;
    let count = query.count ? [this.sql.countAt(interval, revision)] : [];
    let counted: readonly Row[] | undefined;
    let bytes = 0;
    let again = { rows: Math.max(FEWEST_ROWS, this.size.rows(limit + 1)), unbounded: false };
    for (;;) {
      const from: Interval = rest;
      const answer = await this.read(
        again.rows,
        (rows) => [this.sql.versions(from, revision, descending, rows), ...count],
        again.unbounded,
      );
      counted ??= answer.count;
      count = [];
      const whole = wholeGroups(newestOfEach(answer.rows), answer.limit, descending);
      if (!whole) {
        again = { rows: answer.limit * 2, unbounded: true };
        continue;
      }
      for (const one of whole.versions) {
        if (one.deleted || !contains(interval, one)) continue;
        found.push(one);
        bytes += one.field.length;
      }
      rest = whole.last && behind(interval, whole.last, descending);
      // One more than wanted proves that there is more.
      if (rest && found.length <= limit && (bytes < MOST_PAGE_BYTES || found.length < 2)) continue;
      const rows = Math.min(limit, rest ? found.length - 1 : found.length);
      const fields = found.slice(0, rows).map(({ field }) => field);
      return this.page({ ...answer, count: counted }, fields, found.length > rows);
    }
  }

  private async newestWithLongKeys(query: RowsQuery): Promise<RangePage> {
    const { interval, descending, limit } = query;
    const count = query.count ? [this.sql.count(interval)] : [];
    let again = { rows: Math.max(FEWEST_ROWS, this.size.rows(limit + 1)), unbounded: false };
    for (;;) {
      const answer = await this.read(
        again.rows,
        (rows) => [this.sql.keysAndFields(interval, descending, rows), ...count],
        again.unbounded,
      );
      const versions = answer.rows.map(([prefix, rest, field]) => version(prefix!, rest!, field!, false));
      const whole = wholeGroups(versions, answer.limit, descending);
      if (whole) {
        const fields = whole.versions.slice(0, limit).map(({ field }) => field);
        return this.page(answer, fields, answer.rows.length > fields.length);
      }
      again = { rows: answer.limit * 2, unbounded: true };
    }
  }

  private page({ head, count }: Answer, fields: readonly Buffer[], more: boolean): RangePage {
    const all = fields.length === 1 ? fields[0]! : Buffer.concat(fields);
    this.size.took(fields.length, all.length);
    const counted = BigInt(count?.[0]?.[0]?.toString() ?? 0);
    if (count && !more) refuseTorn(fields.length, counted);
    return { head, fields: all, rows: fields.length, more, count: counted };
  }

  /** One snapshot. An answer that is much too large is broken off, and asked for again in a smaller one. */
  private read(
    limit: number,
    statements: (limit: number) => readonly string[],
    unbounded = false,
  ): Promise<Answer> {
    return this.size.read(limit, async (rows, maxBytes) => {
      const most = unbounded ? Number.POSITIVE_INFINITY : maxBytes;
      const [head, found, count] = await this.lanes.use((connection) =>
        connection.snapshot([this.sql.head(), ...statements(rows)], most),
      );
      return { head: headOf(head![0]!), rows: found!, count, limit: rows };
    });
  }
}
