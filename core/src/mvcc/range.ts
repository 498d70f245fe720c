import type { Head, Interval, QueryStorage } from "../storage/index.js";
import { after, intervalOf, isEmpty } from "./keys.js";
import type { RangeOperation, RangeResult } from "./operations.js";
import { decodeField, fieldKey, type KeyValue, splitFields, withoutValue } from "./record.js";

const NOTHING: Buffer = Buffer.alloc(0);
const PAGE_BYTES = 4 * 1024 * 1024;
const FIRST_PAGE_ROWS = 2_048;
const MIN_PAGE_ROWS = 64;
const MAX_PAGE_ROWS = 10_000;

/** One page of rows in key order, as RangePage. */
export interface RowPage {
  readonly fields: Buffer;
  readonly rows: number;
  readonly more: boolean;
  readonly count: bigint;
}

/** Key-values at one fixed revision. */
export interface RowSource {
  /** At most `limit` rows of the interval; fewer only when `more` says so. */
  page(interval: Interval, limit: number, count: boolean, descending: boolean): Promise<RowPage>;
}

/** A storage read at one revision: that asked for, or the newest at the first page. */
export class StorageRows implements RowSource {
  head: Head | undefined;

  constructor(
    private readonly storage: QueryStorage,
    private revision: bigint,
    private readonly linearizable: boolean,
  ) {}

  async page(interval: Interval, limit: number, count: boolean, descending: boolean): Promise<RowPage> {
    const page = await this.storage.range({
      interval,
      revision: this.revision,
      limit,
      count,
      descending,
      linearizable: this.linearizable,
    });
    if (this.revision <= 0n) this.revision = page.head.revision;
    this.head ??= page.head;
    return page;
  }
}

/**
 * Answers a range as etcd does: filters, then sort, then limit; `count` before all of them. Rows are read
 * in pages of bounded size, and only what the answer holds is kept.
 */
export async function executeRange(
  source: RowSource,
  operation: RangeOperation,
): Promise<Omit<RangeResult, "revision">> {
  const interval = intervalOf(operation.key, operation.rangeEnd);
  if (operation.countOnly || isEmpty(interval)) {
    const page = isEmpty(interval)
      ? await source.page({ start: interval.start, end: interval.start }, 0, true, false)
      : await source.page(interval, 0, true, false);
    return { type: "range", fields: NOTHING, count: page.count, more: false };
  }
  return isPlain(operation)
    ? readInKeyOrder(source, interval, operation)
    : readSelected(source, interval, operation);
}

function hasFilter(operation: RangeOperation): boolean {
  return (
    operation.minModRevision !== 0n ||
    operation.maxModRevision !== 0n ||
    operation.minCreateRevision !== 0n ||
    operation.maxCreateRevision !== 0n
  );
}

/** In key order and unfiltered. */
export function isPlain(operation: RangeOperation): boolean {
  return operation.sortTarget === "key" && !hasFilter(operation);
}

function limitOf(operation: RangeOperation): number {
  return operation.limit > 0n && operation.limit < BigInt(Number.MAX_SAFE_INTEGER)
    ? Number(operation.limit)
    : Number.MAX_SAFE_INTEGER;
}

async function readInKeyOrder(
  source: RowSource,
  interval: Interval,
  operation: RangeOperation,
): Promise<Omit<RangeResult, "revision">> {
  const limit = limitOf(operation);
  const chunks: Buffer[] = [];
  let count = 0n;
  let more = false;
  const pages = new Pages(source, interval, limit, operation.sortOrder === "descend");
  while (!pages.areOver) {
    const page = await pages.next();
    if (chunks.length === 0) count = page.count;
    more = page.more;
    chunks.push(operation.keysOnly ? stripped(page.fields) : page.fields);
  }
  const fields = chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
  return { type: "range", fields, count, more };
}

function stripped(fields: Buffer): Buffer {
  return Buffer.concat(splitFields(fields).map(withoutValue));
}

/** Pages of the interval until `limit` rows were read; the page size follows the rows' size. The first one has the count. */
class Pages {
  areOver = false;
  private pageRows = FIRST_PAGE_ROWS;
  private isFirst = true;

  constructor(
    private readonly source: RowSource,
    private rest: Interval,
    private left: number,
    private readonly descending: boolean,
  ) {}

  async next(): Promise<RowPage> {
    const { rest, left, descending } = this;
    const page = await this.source.page(rest, Math.min(left, this.pageRows), this.isFirst, descending);
    this.isFirst = false;
    this.left -= page.rows;
    if (!page.more || this.left <= 0 || page.rows === 0) {
      this.areOver = true;
      return page;
    }
    const rowBytes = Math.max(1, page.fields.length / page.rows);
    this.pageRows = Math.min(MAX_PAGE_ROWS, Math.max(MIN_PAGE_ROWS, Math.floor(PAGE_BYTES / rowBytes)));
    const last = lastKey(page.fields);
    this.rest = descending ? { start: rest.start, end: last } : { start: after(last), end: rest.end };
    return page;
  }
}

function lastKey(fields: Buffer): Buffer {
  const all = splitFields(fields);
  return Buffer.from(fieldKey(all[all.length - 1]!));
}

interface Row {
  readonly field: Buffer;
  readonly kv: KeyValue;
}

/** Filters and sorts by another target than the key. */
async function readSelected(
  source: RowSource,
  interval: Interval,
  operation: RangeOperation,
): Promise<Omit<RangeResult, "revision">> {
  const limit = limitOf(operation);
  // Without an explicit order or a filter etcd fetches limit + 1 keys in key order and sorts those.
  const fetched =
    operation.sortOrder === "none" && !hasFilter(operation) ? limit + 1 : Number.MAX_SAFE_INTEGER;
  const compare = comparator(operation);
  let kept: Row[] = [];
  let passed = 0;
  let count: bigint | undefined;
  const pages = new Pages(source, interval, fetched, false);
  while (!pages.areOver) {
    const page = await pages.next();
    count ??= page.count;
    for (const field of splitFields(page.fields)) {
      const kv = decodeField(field);
      if (!passes(operation, kv)) continue;
      passed++;
      kept.push({ field, kv });
    }
    if (kept.length > 2 * limit + MAX_PAGE_ROWS) kept = kept.sort(compare).slice(0, limit);
  }
  kept.sort(compare);
  const fields = kept
    .slice(0, limit)
    .map((row) => (operation.keysOnly ? withoutValue(row.field) : row.field));
  return { type: "range", fields: Buffer.concat(fields), count: count ?? 0n, more: passed > limit };
}

function passes(operation: RangeOperation, kv: KeyValue): boolean {
  const { minModRevision, maxModRevision, minCreateRevision, maxCreateRevision } = operation;
  return !(
    (maxModRevision !== 0n && kv.modRevision > maxModRevision) ||
    (minModRevision !== 0n && kv.modRevision < minModRevision) ||
    (maxCreateRevision !== 0n && kv.createRevision > maxCreateRevision) ||
    (minCreateRevision !== 0n && kv.createRevision < minCreateRevision)
  );
}

function order(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

const BY_TARGET = {
  key: (a: Row, b: Row) => Buffer.compare(a.kv.key, b.kv.key),
  version: (a: Row, b: Row) => order(a.kv.version, b.kv.version),
  create: (a: Row, b: Row) => order(a.kv.createRevision, b.kv.createRevision),
  mod: (a: Row, b: Row) => order(a.kv.modRevision, b.kv.modRevision),
  value: (a: Row, b: Row) => Buffer.compare(a.kv.value, b.kv.value),
};

/** Ties are in key order, which etcd leaves open. */
function comparator(operation: RangeOperation): (a: Row, b: Row) => number {
  const byTarget = BY_TARGET[operation.sortTarget];
  const sign = operation.sortOrder === "descend" ? -1 : 1;
  return (a, b) => sign * byTarget(a, b) || BY_TARGET.key(a, b);
}
