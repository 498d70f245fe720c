import type {
  GetResult,
  Head,
  Interval,
  RangePage,
  SinceQuery,
  StorageSize,
} from "@etcd-adapter/core/storage";
import {
  type LogPosition,
  type LogQuery,
  type PackedRows,
  type PruneState,
  pageOfKey,
  type RowsQuery,
} from "@etcd-adapter/core/storage/sql";
import type { Connection, Parameters } from "./connection.js";
import { type Bounds, PageBudget, remainder } from "./pages.js";
import type { SharedSnapshot } from "./shared-snapshot.js";
import type { LogFilter, Shape, Statements } from "./statements.js";

const NONE = Buffer.alloc(0);
const FEW_ROWS = 4;

/** Every read, on whichever thread its connection lives. */
export class Reader {
  constructor(
    private readonly connection: Connection,
    private readonly sql: Statements,
    private readonly shared?: SharedSnapshot,
  ) {}

  head(): Head {
    return this.shared ? this.shared.headOf(() => this.readHead()) : this.readHead();
  }

  private readHead(): Head {
    const [sequence, revision, compacted] = this.connection.first(this.sql.head) as bigint[];
    return { sequence: sequence!, revision: revision!, compacted: compacted! };
  }

  commitId(sequence: bigint): Buffer | undefined {
    return this.connection.value(this.sql.commitId, sequence) as Buffer | undefined;
  }

  /** Without `revision`, the newest. Undefined: it is larger than the bounds. */
  range(query: RowsQuery, bounds: Bounds, revision?: bigint): RangePage | undefined {
    return this.snapshot(() => {
      const { interval, descending } = query;
      const few = revision === undefined ? this.few(query) : undefined;
      if (few) return few;
      const source = this.source(descending, revision);
      const budget = new PageBudget(Math.min(query.limit, bounds.rows), bounds.bytes);
      const fields: Buffer[] = [];
      let rest = interval;
      let more = true;
      for (let limit = budget.next(); more && limit > 0; limit = budget.next()) {
        const page = source.page(rest, limit);
        budget.took(page.rows, page.fields.length);
        if (page.rows > 0) fields.push(page.fields);
        if (page.last) rest = remainder(interval, page.last, descending);
        more = page.rows === limit;
      }
      more = more && source.count(rest, 1) > 0;
      if (more && budget.rows === bounds.rows && bounds.rows < query.limit) return undefined;

      let count = query.count ? budget.rows : 0;
      if (query.count && more) {
        count = source.count(interval, bounds.count + 1);
        if (count > bounds.count) return undefined;
      }
      return {
        head: this.head(),
        fields: fields.length === 1 ? fields[0]! : Buffer.concat(fields),
        rows: budget.rows,
        more,
        count: BigInt(count),
      };
    });
  }

  /** The newest of one key, as a page. */
  single(key: Uint8Array, count: boolean): RangePage {
    return this.snapshot(() => {
      const field = this.connection.value(this.sql.stateGet, key) as Buffer | undefined;
      return pageOfKey(this.head(), field, count);
    });
  }

  /** All that an interval has, if that is little: then making one value of the rows costs more than it saves. */
  private few({ interval, descending, limit, count }: RowsQuery): RangePage | undefined {
    const most = Math.min(limit, FEW_ROWS);
    const sql = this.sql.stateFields({ bounded: interval.end !== null, descending });
    const { start, end } = interval;
    const parameters = end ? { start, end, limit: most + 1 } : { start, limit: most + 1 };
    const fields = this.connection.values(sql, parameters) as Buffer[];
    if (fields.length > most) return undefined;
    const rows = fields.length;
    return {
      head: this.head(),
      fields: rows === 1 ? fields[0]! : Buffer.concat(fields),
      rows,
      more: false,
      count: count ? BigInt(rows) : 0n,
    };
  }

  get(keys: readonly Uint8Array[], revision?: bigint): GetResult {
    return this.snapshot(() => ({ head: this.head(), fields: this.fields(keys, revision) }));
  }

  /** Undefined: more keys than `limit`. */
  leaseKeys(lease: bigint, limit: number): { head: Head; keys: Buffer[] } | undefined {
    return this.snapshot(() => {
      const keys = this.connection
        .all(this.sql.leaseKeys, { lease, limit: limit + 1 })
        .map(([key]) => key as Buffer);
      return keys.length > limit ? undefined : { head: this.head(), keys };
    });
  }

  logRows(query: LogQuery, filter: LogFilter, maxBytes: number): PackedRows {
    return this.snapshot(() => this.packedRows(query, filter, maxBytes));
  }

  /** The log's rows are packed still. */
  since({ after, limit, previous, keys }: SinceQuery, maxBytes: number) {
    const work = () => {
      const head = this.head();
      const fields = this.fields(keys);
      // A lone writer asks for keys alone.
      const isNewest = head.sequence === after.sequence && (limit === 0 || head.revision === after.revision);
      if (isNewest) return { head, floor: 0n, entries: [], log: undefined, fields };
      const position = { revision: after.revision + 1n, sub: -1 };
      const query = { after: position, through: head.revision, interval: null, limit, previous };
      return {
        head,
        floor: this.connection.value(this.sql.floor) as bigint,
        entries: this.connection
          .all(this.sql.registry, { after: after.sequence })
          .map(([key, value]) => ({ key: key as string, value: value as Buffer | null })),
        log: limit > 0 ? this.packedRows(query, "none", maxBytes) : undefined,
        fields,
      };
    };
    return this.snapshot(work, keys.length === 1);
  }

  pruneState(): PruneState {
    return this.snapshot(() => {
      const [revision, sub, floor] = this.connection.first(this.sql.pruneState) as [bigint, bigint, bigint];
      return { head: this.head(), pruned: { revision, sub: Number(sub) }, floor };
    });
  }

  positionAt({ revision, sub }: LogPosition, through: bigint, limit: number): LogPosition | undefined {
    const row = this.connection.first(this.sql.positionAt, { revision, sub, through, limit });
    return row && { revision: row[0] as bigint, sub: Number(row[1]) };
  }

  /**
   * The database with its unused pages, which is what grows with the data. The write-ahead log is left out: its
   * size follows the writing, and a quota must not.
   */
  size(): StorageSize {
    return this.snapshot(() => {
      const pragma = (name: string) => this.connection.value(`pragma ${name}`) as bigint;
      const [pages, unused, bytes] = [pragma("page_count"), pragma("freelist_count"), pragma("page_size")];
      return { total: pages * bytes, inUse: (pages - unused) * bytes };
    });
  }

  private packedRows(
    { after, through, interval, limit, previous }: LogQuery,
    filter: LogFilter,
    maxBytes: number,
  ): PackedRows {
    const sql = this.sql.logRows({ filter, previous });
    const parameters = { ...(interval && bind(interval, filter === "interval")), through };
    const packed: PackedRows = { numbers: [], keys: [], fields: [], before: [], more: false };
    const budget = new PageBudget(limit, maxBytes);
    let position: LogPosition = after;
    let more = true;
    for (let rows = budget.next(); more && rows > 0; rows = budget.next()) {
      const { revision, sub } = position;
      const row = this.connection.first(sql, { ...parameters, revision, sub, limit: rows })!;
      const [numbers, keys, fields, before, count] = row as [
        string | null,
        Buffer,
        Buffer,
        Buffer | null,
        bigint,
      ];
      more = Number(count) === rows;
      if (numbers === null) break;
      packed.numbers.push(numbers);
      packed.keys.push(keys);
      packed.fields.push(fields);
      packed.before.push(before ?? NONE);
      budget.took(Number(count), keys.length + fields.length + (before?.length ?? 0));
      position = lastPosition(numbers);
    }
    if (more) {
      const { revision, sub } = position;
      const next = this.connection.first(this.sql.logRows({ filter, previous: false }), {
        ...parameters,
        revision,
        sub,
        limit: 1,
      });
      more = next![0] !== null;
    }
    return { ...packed, more };
  }

  private fields(keys: readonly Uint8Array[], revision?: bigint): (Buffer | undefined)[] {
    const { connection, sql } = this;
    const read =
      revision === undefined
        ? (key: Uint8Array) => connection.value(sql.stateGet, key)
        : (key: Uint8Array) => connection.value(sql.logGet, { key, revision });
    return keys.map((key) => (read(key) ?? undefined) as Buffer | undefined);
  }

  private source(descending: boolean, revision: bigint | undefined) {
    const shape = ({ end }: Interval): Shape => ({ bounded: end !== null, descending });
    const at = revision === undefined ? {} : { revision };
    const page = revision === undefined ? this.sql.statePage : this.sql.logPage;
    const count = revision === undefined ? this.sql.stateCount : this.sql.logCount;
    return {
      page: (interval: Interval, limit: number) => {
        const row = this.connection.first(page(shape(interval)), { ...bind(interval), ...at, limit })!;
        const [fields, rows, last] = row as [Buffer | null, bigint, Buffer | null];
        return { fields: fields ?? NONE, rows: Number(rows), last };
      },
      count: (interval: Interval, limit: number): number =>
        Number(this.connection.value(count(shape(interval)), { ...bind(interval), ...at, limit })),
    };
  }

  private snapshot<T>(work: () => T, isOne = false): T {
    return this.shared ? this.shared.run(work, isOne) : this.connection.transaction("deferred", work);
  }
}

function bind({ start, end }: Interval, bounded = end !== null): Parameters {
  return bounded ? { start, end } : { start };
}

function lastPosition(numbers: string): LogPosition {
  const [revision, sub] = numbers.slice(numbers.lastIndexOf(";") + 1).split(",");
  return { revision: BigInt(revision!), sub: Number(sub) };
}
