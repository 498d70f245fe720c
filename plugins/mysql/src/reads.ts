import type { GetResult, Head, SinceQuery } from "@etcd-adapter/core/storage";
import {
  type Lanes,
  type LogPage,
  type LogQuery,
  type LogRow,
  type PruneState,
  type SinceRows,
  splitKey,
} from "@etcd-adapter/core/storage/sql";
import type { Connection, Row, Value } from "./connection.js";
import { PageSize } from "./page-size.js";
import { headOf, integer, refuseTorn } from "./rows.js";
import { SINCE_PARTS, type Statements } from "./statements.js";

const MOST_LOG_ROWS = 1_000;
const LOG_PAGE_BYTES = 8 << 20;

/** Keys of one statement; the statements together are one packet. */
const KEYS_AT_ONCE = 500;

/** All that is read but ranges. */
export class Reads {
  private readonly size = new PageSize();

  constructor(
    private readonly lanes: Lanes<Connection>,
    private readonly sql: Statements,
  ) {}

  async head(): Promise<Head> {
    const [rows] = await this.read([this.sql.head()]);
    return headOf(rows![0]!);
  }

  async commitId(sequence: bigint): Promise<Buffer | undefined> {
    const [rows] = await this.read([this.sql.commitId(sequence)]);
    return rows![0]?.[0] as Buffer | undefined;
  }

  async getNewest(keys: readonly Buffer[]): Promise<GetResult> {
    const [rows] = await this.read([this.sql.get(keys.map(splitKey))]);
    return found(rows!, keys);
  }

  async getAt(revision: bigint, keys: readonly Buffer[]): Promise<GetResult> {
    const fields: (Buffer | undefined)[] = [];
    const chunks = inChunks(keys.map(splitKey), KEYS_AT_ONCE);
    const statements = chunks.map((chunk) => this.sql.getAt(revision, chunk));
    const [heads, ...answers] = await this.read([this.sql.head(), ...statements]);
    for (const [index, chunk] of chunks.entries()) {
      const live = answers[index]!.filter(([, deleted]) => deleted === 0);
      const byPlace = new Map(live.map(([place, , field]) => [Number(place), field as Buffer]));
      fields.push(...chunk.map((_, place) => byPlace.get(place)));
    }
    return { head: headOf(heads![0]!), fields };
  }

  async leaseKeys(lease: bigint): Promise<{ head: Head; keys: Buffer[] }> {
    const [heads, rows] = await this.read([this.sql.head(), this.sql.leaseKeys(lease)]);
    const keys = rows!.map(([prefix, rest]) => joined(prefix!, rest!));
    return { head: headOf(heads![0]!), keys: keys.sort(Buffer.compare) };
  }

  async logRows(query: LogQuery): Promise<LogPage> {
    const page = await this.size.read(this.bounded(query).limit, async (limit, maxBytes) => {
      const [answer] = await this.read([this.sql.logRows({ ...query, limit })], maxBytes);
      return logPage(answer!, limit);
    });
    this.took(page);
    return query.previous ? { ...page, rows: await this.withPrevious(page.rows) } : page;
  }

  async since(query: SinceQuery): Promise<SinceRows> {
    const found = await this.size.read(this.bounded(query).limit, async (limit, maxBytes) => {
      const bounded = { ...query, limit };
      const [rows] = await this.read([this.sql.since(bounded)], maxBytes);
      return sinceRows(rows!, bounded);
    });
    this.took(found.log);
    return found;
  }

  /** One answer must not be too large. */
  bounded<Query extends { readonly limit: number }>(query: Query): Query {
    const most = Math.min(query.limit, MOST_LOG_ROWS);
    return { ...query, limit: most === 0 ? 0 : this.size.rows(most) };
  }

  /** An answer of so many rows was broken off. */
  wasTooLarge(rows: number): void {
    this.size.wasTooLarge(rows);
  }

  async pruneState(): Promise<PruneState> {
    const [heads, state] = await this.read([this.sql.head(), this.sql.pruneState]);
    const [revision, sub, floor] = state![0]!;
    return {
      head: headOf(heads![0]!),
      pruned: { revision: integer(revision), sub: Number(sub) },
      floor: integer(floor),
    };
  }

  /** The versions that were replaced, by a second statement: the databases plan a join of the two very differently. */
  private async withPrevious(rows: readonly LogRow[]): Promise<LogRow[]> {
    const wanted = rows.filter(({ change }) => change.previous > 0n);
    if (wanted.length === 0) return [...rows];
    const keys = wanted.map(({ change }) => ({ key: splitKey(change.key), revision: change.previous }));
    const answers = await this.read(inChunks(keys, KEYS_AT_ONCE).map((chunk) => this.sql.replaced(chunk)));
    return joinPrevious(rows, answers.flat());
  }

  private read(statements: readonly string[], maxBytes?: number): Promise<Row[][]> {
    return this.lanes.use((connection) => connection.snapshot(statements, maxBytes));
  }

  private took({ rows }: LogPage): void {
    this.size.took(
      rows.length,
      rows.reduce((bytes, { change }) => bytes + change.field.length, 0),
    );
  }
}

/** The answer to the statement `since`. */
export function sinceRows(rows: readonly Row[], { limit, previous, keys }: SinceQuery): SinceRows {
  const part = (wanted: number) =>
    rows.filter(([kind]) => Number(kind) === wanted).map((row) => row.slice(1));
  const head = part(SINCE_PARTS.head)[0]!;
  const log = part(SINCE_PARTS.log).sort(byPlace);
  const page = logPage(log, limit);
  const present = part(SINCE_PARTS.keys);
  for (const [counted] of part(SINCE_PARTS.counted)) refuseTorn(present.length, integer(counted));
  const before = part(SINCE_PARTS.previous).map(
    ([revision, sub, , , , prefix, rest, field]): Row => [prefix!, rest!, revision!, sub!, field!],
  );
  return {
    head: headOf(head),
    floor: integer(head[3]),
    entries: part(SINCE_PARTS.registry).map((row) => ({
      key: (row[5] as Buffer).toString(),
      value: row[7] as Buffer | null,
    })),
    log: previous ? { ...page, rows: joinPrevious(page.rows, before) } : page,
    fields: fieldsOf(
      present.map((row) => row.slice(5)),
      keys,
    ),
  };
}

/** The answer to the statement `get`. */
function found(rows: readonly Row[], keys: readonly Buffer[]): GetResult {
  const present = rows.map((row) => row.slice(4)).filter(([prefix]) => prefix !== null);
  const counted = rows[0]![3];
  if (counted !== null) refuseTorn(present.length, integer(counted));
  return { head: headOf(rows[0]!), fields: fieldsOf(present, keys) };
}

/** From rows of prefix, rest, field. */
function fieldsOf(rows: readonly Row[], keys: readonly Buffer[]): (Buffer | undefined)[] {
  const fields = new Map<string, Buffer>();
  for (const [prefix, rest, field] of rows)
    fields.set(joined(prefix!, rest!).toString("latin1"), field as Buffer);
  return keys.map((key) => fields.get(key.toString("latin1")));
}

/** From `limit` rows and one more, if there is one. */
function logPage(answer: readonly Row[], limit: number): LogPage {
  const rows = answer.slice(0, limit).map(logRow);
  let bytes = 0;
  let kept = 0;
  while (kept < rows.length && (kept === 0 || bytes < LOG_PAGE_BYTES))
    bytes += rows[kept++]!.change.field.length;
  return { rows: rows.slice(0, kept), more: answer.length > kept };
}

function byPlace([revisionA, subA]: Row, [revisionB, subB]: Row): number {
  const [a, b] = [integer(revisionA), integer(revisionB)];
  return a < b ? -1 : a > b ? 1 : Number(subA) - Number(subB);
}

/** `versions` are rows of prefix, rest, revision, sub, field, in no order. */
function joinPrevious(rows: readonly LogRow[], versions: readonly Row[]): LogRow[] {
  const newest = new Map<string, { sub: number; field: Buffer }>();
  for (const [prefix, rest, revision, sub, field] of versions) {
    const name = versionName(joined(prefix!, rest!), integer(revision));
    const known = newest.get(name);
    if (!known || known.sub < Number(sub)) newest.set(name, { sub: Number(sub), field: field as Buffer });
  }
  return rows.map(({ revision, change }) => {
    const before = newest.get(versionName(change.key, change.previous));
    return { revision, change: before ? { ...change, previousField: before.field } : change };
  });
}

function logRow([revision, sub, deleted, previous, lease, prefix, rest, field]: Row): LogRow {
  const change = {
    sub: Number(sub),
    key: joined(prefix!, rest!),
    field: field as Buffer,
    deleted: Number(deleted) === 1,
    previous: integer(previous),
    lease: integer(lease),
  };
  return { revision: integer(revision), change };
}

function versionName(key: Buffer, revision: bigint): string {
  return `${revision} ${key.toString("latin1")}`;
}

function joined(prefix: Value, rest: Value): Buffer {
  return (rest as Buffer).length === 0
    ? (prefix as Buffer)
    : Buffer.concat([prefix as Buffer, rest as Buffer]);
}

function inChunks<Item>(items: readonly Item[], size: number): Item[][] {
  const chunks: Item[][] = [];
  for (let at = 0; at < items.length; at += size) chunks.push(items.slice(at, at + size));
  return chunks;
}
