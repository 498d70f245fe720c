import type { MetaName, Tables } from "@etcd-adapter/core/storage/sql";

/** What a range's statement depends on beside its parameters: @start, @end when bounded, @limit, @revision for the log. */
export interface Shape {
  readonly bounded: boolean;
  readonly descending: boolean;
}

export type LogFilter = "none" | "key" | "interval" | "open interval";

export interface LogShape {
  readonly filter: LogFilter;
  readonly previous: boolean;
}

/** One value out of all rows' fields, many times faster than as many values that enter JavaScript one by one. */
const PAGE = "cast(group_concat(field, '') as blob), count(*)";

/** The texts of all shapes, made once: they are looked up by identity on every read. */
function byShape(text: (shape: Shape) => string): (shape: Shape) => string {
  const texts = [false, true].map((bounded) =>
    [false, true].map((descending) => text({ bounded, descending })),
  );
  return ({ bounded, descending }) => texts[Number(bounded)]![Number(descending)]!;
}

const below = (shape: Shape, key: string) => (shape.bounded ? `and ${key} < @end` : "");
const direction = (shape: Shape) => (shape.descending ? "desc" : "asc");
const lastKey = (shape: Shape) => (shape.descending ? "min(key)" : "max(key)");

export type Statements = ReturnType<typeof statements>;

/** Every statement's text. Parameters are named; columns come in the order in which the readers take them. */
export function statements({ log, state, commits, registry, meta }: Tables) {
  const byKey = `${log} indexed by ${log}_key`;
  const metaValue = (name: MetaName) => `(select value from ${meta} where name = '${name}')`;
  const setMeta = (name: MetaName, value: string) =>
    `update ${meta} set value = ${value} where name = '${name}'`;

  /** The keys of an interval in the log, each found by one search, however many versions it has. */
  const logKeys = (shape: Shape) => `with recursive k(key) as (
    select (select key from ${byKey} where key >= @start ${below(shape, "key")} order by key ${direction(shape)} limit 1)
    union all
    select (select l.key from ${log} l indexed by ${log}_key
      where ${shape.descending ? "l.key < k.key and l.key >= @start" : `l.key > k.key ${below(shape, "l.key")}`}
      order by l.key ${direction(shape)} limit 1)
    from k where k.key is not null)`;
  /** Of a key's versions, the newest at @revision. */
  const newestOf = (column: string, key: string) =>
    `(select ${column} from ${byKey} where key = ${key} and revision <= @revision order by revision desc, sub desc limit 1)`;

  return {
    head: `select sequence, revision, compacted from ${commits} order by sequence desc limit 1`,
    commitId: `select id from ${commits} where sequence = ?`,

    statePage: byShape(
      (shape) => `select ${PAGE}, ${lastKey(shape)} from (
      select key, field from ${state} where key >= @start ${below(shape, "key")}
      order by key ${direction(shape)} limit @limit)`,
    ),
    stateFields: byShape(
      (shape) => `select field from ${state} where key >= @start ${below(shape, "key")}
      order by key ${direction(shape)} limit @limit`,
    ),
    stateCount: byShape(
      (shape) => `select count(*) from (
      select 1 from ${state} indexed by ${state}_count where key >= @start ${below(shape, "key")} limit @limit)`,
    ),
    stateGet: `select field from ${state} where key = ?`,
    leaseKeys: `select key from ${state} indexed by ${state}_lease
      where lease = @lease and lease <> 0 order by key limit @limit`,

    logPage: byShape(
      (shape) => `${logKeys(shape)} select ${PAGE}, ${lastKey(shape)} from (
      select k.key as key, l.field as field from k cross join ${log} l on l.rowid = ${newestOf("rowid", "k.key")}
      where l.deleted = 0 limit @limit)`,
    ),
    logCount: byShape(
      (shape) => `${logKeys(shape)} select count(*) from (
      select 1 from k where key is not null and ${newestOf("deleted", "k.key")} = 0 limit @limit)`,
    ),
    logGet: `select case deleted when 0 then field end from ${log} where rowid = ${newestOf("rowid", "@key")}`,

    /** Numbers as text, and keys and fields as one value each: see core's packed-rows.ts. */
    logRows: ({ filter, previous }: LogShape) => `select
      group_concat(revision || ',' || sub || ',' || deleted || ',' || previous || ',' || lease || ',' ||
        length(key) || ',' || length(field) || ',' || ${previous ? "coalesce(length(before), -1)" : "-1"}, ';'),
      cast(group_concat(key, '') as blob), cast(group_concat(field, '') as blob),
      ${previous ? "cast(group_concat(before, '') as blob)" : "null"}, count(*)
      from (select l.* ${previous ? `, ${before(log)} as before` : ""}
        from ${log} l ${filter === "key" ? `indexed by ${log}_key` : ""}
        where (revision, sub) > (@revision, @sub) and revision <= @through ${logFilter(filter)}
        order by revision, sub limit @limit)`,

    registry: `select key, value from ${registry} where sequence > @after order by sequence, key`,
    floor: `select ${metaValue("floor")}`,
    pruneState: `select ${metaValue("pruned-revision")}, ${metaValue("pruned-sub")}, ${metaValue("floor")}`,
    positionAt: `select revision, sub from ${log} where (revision, sub) > (@revision, @sub) and revision <= @through
      order by revision, sub limit 1 offset @limit - 1`,

    insertLog: `insert into ${log} (revision, sub, key, deleted, field, previous, lease) values (?, ?, ?, ?, ?, ?, ?)`,
    putState: `insert into ${state} (key, field, revision, lease) values (?, ?, ?, ?)
      on conflict (key) do update set field = excluded.field, revision = excluded.revision, lease = excluded.lease`,
    deleteState: `delete from ${state} where key = ?`,
    putRegistry: `insert into ${registry} (key, value, sequence) values (?, ?, ?)
      on conflict (key) do update set value = excluded.value, sequence = excluded.sequence`,
    insertCommit: `insert into ${commits} (sequence, id, revision, compacted) values (?, ?, ?, ?)`,

    pruneReplaced: pruneOlder(log, "o.revision = w.previous", "w.previous > 0"),
    pruneWithin: pruneOlder(log, "o.revision = w.revision and o.sub < w.sub", "w.sub > 0"),
    pruneDeletions: `delete from ${log} where ${WINDOW("")} and deleted = 1 and revision < @compacted`,
    setPrunedRevision: setMeta("pruned-revision", "@revision"),
    setPrunedSub: setMeta("pruned-sub", "@sub"),
    setFloor: setMeta("floor", "max(value, @floor)"),
    pruneCommits: `delete from ${commits} where sequence <= @through`,
    pruneRegistry: `delete from ${registry} where sequence > @after and sequence <= @through and value is null`,
  };
}

const WINDOW = (row: string) =>
  `(${row}revision, ${row}sub) > (@revision, @sub) and (${row}revision, ${row}sub) <= (@throughRevision, @throughSub)`;

function pruneOlder(log: string, older: string, only: string): string {
  return `delete from ${log} where rowid in (
    select o.rowid from ${log} w cross join ${log} o indexed by ${log}_key on o.key = w.key and ${older}
    where ${WINDOW("w.")} and ${only})`;
}

function before(log: string): string {
  return `(select p.field from ${log} p indexed by ${log}_key
    where p.key = l.key and p.revision = l.previous order by p.sub desc limit 1)`;
}

/** A single key is read by its own index; of an interval, the log's order is worth more (`+` keeps that index out). */
function logFilter(filter: LogFilter): string {
  switch (filter) {
    case "none":
      return "";
    case "key":
      return "and key = @start";
    case "interval":
      return "and +key >= @start and +key < @end";
    case "open interval":
      return "and +key >= @start";
  }
}
