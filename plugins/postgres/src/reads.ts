import type { GetResult, Head, Interval, RangePage, SinceQuery } from "@etcd-adapter/core/storage";
import {
  isLongKey,
  type LogPage,
  type LogQuery,
  type PruneState,
  type RowsQuery,
  type SinceRows,
  singleKey,
  splitKey,
  unpackRows,
} from "@etcd-adapter/core/storage/sql";
import type { Connection, Parameters, Value } from "./connection.js";
import { keyArrays } from "./parameters.js";
import { type LogShape, type RangeShape, SINCE_PARTS } from "./read-statements.js";
import type { Statements } from "./statements.js";

/** Of one answer. It comes as hexadecimal text, so for a moment three times as much. */
const PAGE_BYTES = 8 << 20;

const NONE = Buffer.alloc(0);
const LAST_REVISION = 2n ** 63n - 1n;

export async function readHead(connection: Connection, sql: Statements): Promise<Head> {
  const [row] = await connection.call(sql.head);
  return headOf(row!);
}

export async function readRange(
  connection: Connection,
  sql: Statements,
  query: RowsQuery,
  revision?: bigint,
): Promise<RangePage> {
  const { interval, limit, descending, count } = query;
  const { start, end } = interval;
  const shape: RangeShape = {
    source: revision === undefined ? "state" : "log",
    bounded: end !== null,
    long: isLongKey(start) || (end !== null && isLongKey(end)),
    descending,
    count,
  };
  const at: Parameters = revision === undefined ? {} : { revision };
  const [row] = await connection.call(sql.range(shape), {
    ...bounds(interval),
    ...at,
    limit,
    bytes: PAGE_BYTES,
  });
  const [, , , rows, fields, more, counted] = row!;
  return {
    head: headOf(row!),
    fields: fields === null ? NONE : Buffer.from(fields as string, "base64"),
    rows: Number(rows),
    more: more as boolean,
    count: BigInt(counted as string),
  };
}

export async function getNewest(
  connection: Connection,
  sql: Statements,
  keys: readonly Buffer[],
): Promise<GetResult> {
  if (keys.length !== 1)
    return gathered(await connection.call(sql.getNewest, keyParameters(keys)), keys.length);
  const { prefix, hash } = splitKey(keys[0]!);
  const [row] = await connection.call(sql.getOne, { prefix, hash });
  return { head: headOf(row!), fields: [(row![3] as Buffer | null) ?? undefined] };
}

export async function getAt(
  connection: Connection,
  sql: Statements,
  revision: bigint,
  keys: readonly Buffer[],
): Promise<GetResult> {
  return gathered(await connection.call(sql.getAt, { ...keyParameters(keys), revision }), keys.length);
}

export async function readLeaseKeys(
  connection: Connection,
  sql: Statements,
  lease: bigint,
): Promise<{ head: Head; keys: Buffer[] }> {
  const rows = await connection.call(sql.leaseKeys, { lease });
  const keys = rows.flatMap(([, , , key]) => (key === null ? [] : [key as Buffer]));
  return { head: headOf(rows[0]!), keys: keys.sort(Buffer.compare) };
}

export async function readLogRows(
  connection: Connection,
  sql: Statements,
  query: LogQuery,
): Promise<LogPage> {
  const { after, through, interval, limit, previous } = query;
  const filter = filterOf(interval);
  const shape: LogShape = { filter, bounded: interval !== null && interval.end !== null, previous };
  const [row] = await connection.call(sql.logRows(shape), {
    ...(interval && bounds(interval)),
    revision: after.revision,
    sub: after.sub,
    through,
    limit,
    bytes: PAGE_BYTES,
  });
  return logPage(row!);
}

function logPage(row: readonly Value[]): LogPage {
  const [numbers, keys, fields, before, more] = row as [
    string | null,
    Buffer,
    Buffer,
    Buffer | null,
    boolean,
  ];
  if (numbers === null) return { rows: [], more: false };
  return unpackRows({ numbers: [numbers], keys: [keys], fields: [fields], before: [before ?? NONE], more });
}

export async function readSince(
  connection: Connection,
  sql: Statements,
  { after, limit, previous, keys }: SinceQuery,
): Promise<SinceRows> {
  const shape = { log: limit > 0, previous, keys: keys.length > 0 };
  const rows = await connection.call(sql.since(shape), {
    after: after.sequence,
    ...(shape.keys && keyParameters(keys)),
    ...(shape.log && {
      revision: after.revision + 1n,
      sub: -1,
      through: LAST_REVISION,
      limit,
      bytes: PAGE_BYTES,
    }),
  });
  const part = (wanted: number) => rows.filter(([kind]) => kind === wanted);
  const head = part(SINCE_PARTS.head)[0]!;
  const log = part(SINCE_PARTS.log)[0];
  return {
    head: headOf(head.slice(1)),
    floor: BigInt(head[4] as string),
    entries: part(SINCE_PARTS.registry).map((row) => ({
      key: row[5] as string,
      value: row[6] as Buffer | null,
    })),
    log: log ? logPage(log.slice(5)) : { rows: [], more: false },
    fields: fieldsByPlace(
      part(SINCE_PARTS.keys).map((row) => row.slice(5)),
      keys.length,
    ),
  };
}

export async function readPruneState(connection: Connection, sql: Statements): Promise<PruneState> {
  const [row] = await connection.call(sql.pruneState);
  const [revision, sub, floor] = row!.slice(3) as [string, string, string];
  return {
    head: headOf(row!),
    pruned: { revision: BigInt(revision), sub: Number(sub) },
    floor: BigInt(floor),
  };
}

function headOf(row: readonly Value[]): Head {
  const [sequence, revision, compacted] = row as readonly string[];
  return { sequence: BigInt(sequence!), revision: BigInt(revision!), compacted: BigInt(compacted!) };
}

function bounds({ start, end }: Interval): Parameters {
  const from = splitKey(start);
  const to = splitKey(end ?? NONE);
  return {
    start: from.prefix,
    startHash: from.hash,
    startRest: from.rest,
    end: to.prefix,
    endRest: to.rest,
  };
}

function filterOf(interval: Interval | null): LogShape["filter"] {
  if (interval === null) return "none";
  return singleKey(interval) ? "key" : "interval";
}

function keyParameters(keys: readonly Buffer[]): Parameters {
  const { prefixes, hashes } = keyArrays(keys.map(splitKey));
  return { prefixes: prefixes!, hashes: hashes! };
}

function gathered(rows: readonly Value[][], keys: number): GetResult {
  return {
    head: headOf(rows[0]!),
    fields: fieldsByPlace(
      rows.map((row) => row.slice(3)),
      keys,
    ),
  };
}

/** Fields by place from what `packed` statements answer: each row "place,length;…" and the fields themselves. */
function fieldsByPlace(rows: readonly Value[][], keys: number): (Buffer | undefined)[] {
  const fields: (Buffer | undefined)[] = new Array(keys).fill(undefined);
  for (const row of rows) {
    const [numbers, bytes] = row as [string | null, Buffer];
    if (numbers === null) continue;
    let offset = 0;
    for (const entry of numbers.split(";")) {
      const [place, length] = entry.split(",");
      fields[Number(place) - 1] = bytes.subarray(offset, offset + Number(length));
      offset += Number(length);
    }
  }
  return fields;
}
