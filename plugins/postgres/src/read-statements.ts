import type { MetaName, Tables } from "@etcd-adapter/core/storage/sql";
import { byShape, statement } from "./statement.js";

/** What a range's statement depends on beside its parameters. */
export interface RangeShape {
  readonly source: "state" | "log";
  readonly bounded: boolean;
  /** Whether a bound is a long key (see core's keys.ts): then two columns are to be compared. */
  readonly long: boolean;
  readonly descending: boolean;
  readonly count: boolean;
}

export interface LogShape {
  readonly filter: "none" | "key" | "interval";
  readonly bounded: boolean;
  readonly previous: boolean;
}

/** Fields of so many keys become one value, which may not grow to a gigabyte. */
const KEYS_PER_VALUE = 64;

const HEAD = "h.sequence, h.revision, h.compacted";

export const SINCE_PARTS = { head: 0, registry: 1, log: 2, keys: 3 } as const;

/** Which parts of an answer to `since` are wanted beside the head and the registry. */
export interface SinceShape {
  readonly log: boolean;
  readonly previous: boolean;
  readonly keys: boolean;
}

export function readStatements({ log, state, commits, registry, meta }: Tables) {
  const withHead = `with h as (select sequence, revision, compacted from ${commits} order by sequence desc limit 1)`;
  const metaValue = (name: MetaName) => `(select value from ${meta} where name = '${name}')`;
  const newest = (columns: string, key: string) => `select ${columns} from ${log} l
    where l.prefix = ${key}prefix and l.hash = ${key}hash and l.revision <= :revision
    order by l.revision desc, l.sub desc limit 1`;
  /** Fields found for the keys `w`, with each one's place among the keys and its length. */
  const packed = (found: string) => `
    select string_agg(n || ',' || octet_length(field), ';') as numbers, string_agg(field, ''::bytea) as fields
    from (${found}) s group by (n - 1) / ${KEYS_PER_VALUE}`;
  const gathered = (found: string) =>
    `${withHead} select ${HEAD}, f.numbers, f.fields from h left join (${packed(found)}) f on true`;
  const keys = "unnest(:prefixes::bytea[], :hashes::bytea[]) with ordinality as w(prefix, hash, n)";
  const fieldsOfKeys = `select w.n, s.field from ${keys} join ${state} s on s.prefix = w.prefix and s.hash = w.hash order by w.n`;
  /** Numbers as text, and keys and fields as one value each: see core's packed-rows.ts. */
  const logRows = ({ filter, bounded, previous }: LogShape) => `
    select string_agg(revision || ',' || sub || ',' || deleted::int || ',' || previous || ',' || lease || ',' ||
        octet_length(key) || ',' || octet_length(field) || ',' || coalesce(octet_length(before), -1), ';')
        filter (where fits) as numbers,
      string_agg(key, ''::bytea) filter (where fits) as keys, string_agg(field, ''::bytea) filter (where fits) as fields,
      string_agg(before, ''::bytea) filter (where fits) as before,
      count(*) > count(*) filter (where fits) as more
    from (select *, row_number() over w <= :limit::bigint
        and sum(octet_length(field) + coalesce(octet_length(before), 0)) over w
          - octet_length(field) - coalesce(octet_length(before), 0) < :bytes::bigint as fits
      from (select l.revision, l.sub, l.deleted, l.previous, l.lease, l.prefix || l.rest as key, l.field,
          ${previous ? before(log) : "null::bytea"} as before
        from ${log} l
        where (l.revision, l.sub) > (:revision, :sub) and l.revision <= :through ${logFilter(filter, bounded)}
        order by l.revision, l.sub limit :limit::bigint + 1) r
      window w as (rows unbounded preceding)) f`;

  /**
   * Of each key in an interval, its newest version at a revision: a walk along the index that reads no field. `offset 0`
   * keeps the order where it is: PostgreSQL 15 would otherwise sort all of a downward walk, instead of a key at a time.
   */
  const versions = (shape: RangeShape, direction: string) => `select distinct on (prefix, hash) * from (
      select prefix, hash, revision, sub, deleted from ${log}
      where ${within(shape, "")} and revision <= :revision
      order by prefix ${direction}, hash ${direction}, revision desc, sub desc offset 0) o
    order by prefix ${direction}, hash ${direction}, revision desc, sub desc`;
  const sources = {
    state: {
      rows: (shape: RangeShape, direction: string) => `select field from ${state} where ${within(shape, "")}
        order by prefix ${direction}, rest ${direction} limit :limit::bigint + 1`,
      count: (shape: RangeShape) => `select count(*) from ${state} where ${within(shape, "")}`,
    },
    log: {
      rows: (shape: RangeShape, direction: string) => `select l.field
        from (${versions(shape, direction)}) v join ${log} l on l.revision = v.revision and l.sub = v.sub
        where not v.deleted order by v.prefix ${direction}, l.rest ${direction} limit :limit::bigint + 1`,
      count: (shape: RangeShape) => `select count(*) from (${versions(shape, "asc")}) v where not deleted`,
    },
  };

  return {
    head: statement("head", `${withHead} select ${HEAD} from h`),
    commitId: statement("commit-id", `select id from ${commits} where sequence = :sequence`),

    /**
     * A page as one value: many rows that each become a value in JavaScript take several times as long. It ends before
     * the row with which it would exceed :bytes, but holds one at least. Base64 is two thirds of the hexadecimal digits as
     * which the driver would get it, and faster to read.
     */
    range: byShape(
      (shape: RangeShape) => `range-${Object.values(shape).join("-")}`,
      (shape) => {
        const source = sources[shape.source];
        return `${withHead}
          select ${HEAD}, p.rows, encode(p.fields, 'base64'), p.found > p.rows,
            ${shape.count ? `case when p.found <= :limit::bigint then p.found else (${source.count(shape)}) end` : "0"}
          from h, (
            select count(*) filter (where fits) as rows, count(*) as found,
              string_agg(field, ''::bytea) filter (where fits) as fields
            from (select field, row_number() over w <= :limit::bigint
                and sum(octet_length(field)) over w - octet_length(field) < :bytes::bigint as fits
              from (${source.rows(shape, shape.descending ? "desc" : "asc")}) r
              window w as (rows unbounded preceding)) f) p`;
      },
    ),

    getOne: statement(
      "get-one",
      `${withHead} select ${HEAD}, s.field from h left join ${state} s on s.prefix = :prefix and s.hash = :hash`,
    ),
    getNewest: statement("get-newest", gathered(fieldsOfKeys)),
    getAt: statement(
      "get-at",
      gathered(`select w.n, v.field from ${keys}
        cross join lateral (${newest("l.deleted, l.field", "w.")}) v where not v.deleted order by w.n`),
    ),
    leaseKeys: statement(
      "lease-keys",
      `${withHead} select ${HEAD}, s.prefix || s.rest from h
       left join ${state} s on s.lease = :lease and s.lease <> 0`,
    ),

    logRows: byShape((shape: LogShape) => `log-${Object.values(shape).join("-")}`, logRows),

    /** One statement, and so one snapshot. Each row begins with which part of the answer it is: see SINCE_PARTS. */
    since: byShape(
      (shape: SinceShape) => `since-${Object.values(shape).join("-")}`,
      ({ log: withLog, previous, keys: withKeys }) => `${withHead}
        select ${SINCE_PARTS.head}, ${HEAD}, ${metaValue("floor")}, null::text, null::bytea, null::bytea, null::bytea, false from h
        union all
        select ${SINCE_PARTS.registry}, 0, 0, 0, 0, r.key, r.value, null, null, false from ${registry} r where r.sequence > :after
        ${withLog ? `union all select ${SINCE_PARTS.log}, 0, 0, 0, 0, l.* from (${logRows({ filter: "none", bounded: false, previous })}) l` : ""}
        ${withKeys ? `union all select ${SINCE_PARTS.keys}, 0, 0, 0, 0, k.numbers, k.fields, null, null, false from (${packed(fieldsOfKeys)}) k` : ""}`,
    ),
    pruneState: statement(
      "prune-state",
      `${withHead} select ${HEAD}, ${metaValue("pruned-revision")}, ${metaValue("pruned-sub")}, ${metaValue("floor")}
       from h`,
    ),
    positionAt: statement(
      "position-at",
      `select revision, sub from ${log} where (revision, sub) > (:revision, :sub) and revision <= :through
       order by revision, sub limit 1 offset :limit::bigint - 1`,
    ),
  };
}

function within({ long, bounded }: RangeShape, row: string): string {
  const key = long ? `(${row}prefix, ${row}rest)` : `${row}prefix`;
  const start = long ? "(:start, :startRest)" : ":start";
  const end = long ? "(:end, :endRest)" : ":end";
  return `${key} >= ${start}${bounded ? ` and ${key} < ${end}` : ""}`;
}

/** Of an interval, the log's own order is worth more than the keys': `|| ''` keeps their index out. */
function logFilter(filter: LogShape["filter"], bounded: boolean): string {
  if (filter === "none") return "";
  if (filter === "key") return "and l.prefix = :start and l.hash = :startHash";
  const key = "(l.prefix || ''::bytea, l.rest)";
  return `and ${key} >= (:start, :startRest)${bounded ? ` and ${key} < (:end, :endRest)` : ""}`;
}

function before(log: string): string {
  return `(select p.field from ${log} p where p.prefix = l.prefix and p.hash = l.hash and p.revision = l.previous
    order by p.sub desc limit 1)`;
}
