import type { Commit, Interval, SinceQuery } from "@etcd-adapter/core/storage";
import {
  isLongKey,
  type LogPosition,
  type LogQuery,
  lastChanges,
  type MetaName,
  type PruneStep,
  type SplitKey,
  singleKey,
  splitKey,
  type Tables,
} from "@etcd-adapter/core/storage/sql";
import type { Scans } from "./scans.js";
import { bytes, keyTuple, multiRow } from "./sql.js";

/** Text of a statement of many rows: far below every packet limit, large enough to be worth a statement. */
const STATEMENT_BYTES = 2 << 20;

export const SINCE_PARTS = { head: 0, registry: 1, log: 2, previous: 3, keys: 4, counted: 5 } as const;

export type Statements = ReturnType<typeof statements>;

export function statements(tables: Tables, scans: Scans) {
  return { ...reads(tables, scans), ...writes(tables), ...pruning(tables) };
}

function reads({ log, state, commits, registry, meta }: Tables, scans: Scans) {
  const head = () => scans.last("sequence, revision, compacted", commits, "sequence");
  /** The order of the indexes, in which long keys with a common prefix stand by their hash. */
  const byIndex = (descending: boolean) => (descending ? scans.descending("prefix", "hash") : "prefix, hash");
  const metaValue = (name: MetaName) => `(select value from ${meta} where name = '${name}')`;
  const among = (keys: readonly SplitKey[]) =>
    keys.length === 0 ? "false" : `(prefix, hash) in (${keys.map(keyTuple).join(", ")})`;
  /** How many of the keys there are, by another index than the one that finds their rows. */
  const counted = (keys: readonly SplitKey[]) =>
    `select count(*) from ${state} force index (${state}_count) where ${among(keys)}`;
  /** Of each key in an interval, its newest revision up to one: a walk along the index that reads no field. */
  const versions = (interval: Interval, revision: bigint) =>
    `select prefix, hash, max(revision) as revision from ${log} force index (${log}_key)
     where ${withinPrefix(interval)} and revision <= ${revision} group by prefix, hash`;
  return {
    head,
    commitId: (sequence: bigint) => `select id from ${commits} where sequence = ${sequence}`,

    /** Rows as they stand in the index: field and hash, by which long keys are noticed. */
    fields: (interval: Interval, descending: boolean, limit: number) =>
      `select field, hash from ${state} where ${within(interval)} order by ${byIndex(descending)} limit ${limit}`,
    /** With what it takes to sort long keys. */
    keysAndFields: (interval: Interval, descending: boolean, limit: number) =>
      `select prefix, rest, field from ${state} where ${within(interval)}
       order by ${byIndex(descending)} limit ${limit}`,
    count: (interval: Interval) =>
      `select count(*) from ${state} ${hasLongBound(interval) ? "" : `force index (${state}_count)`}
       where ${within(interval)}`,

    /** In no order; a key that changed several times in the revision comes several times. */
    versions: (interval: Interval, revision: bigint, descending: boolean, limit: number) =>
      `select /*+ INL_JOIN(l) */ straight_join l.prefix, l.rest, l.hash, l.sub, l.deleted, l.field
       from (${versions(interval, revision)} order by ${byIndex(descending)} limit ${limit}) v
       join ${log} l force index (${log}_key)
         on l.prefix = v.prefix and l.hash = v.hash and l.revision = v.revision`,
    /** By the index alone. Of a key that changed several times in its newest revision the last change counts. */
    countAt: (interval: Interval, revision: bigint) =>
      `select count(*) from (
         select /*+ INL_JOIN(l) */ straight_join max(2 * l.sub + l.deleted) as newest
         from (${versions(interval, revision)}) v join ${log} l force index (${log}_key)
           on l.prefix = v.prefix and l.hash = v.hash and l.revision = v.revision
         ${hasLongBound(interval) ? `where ${within(interval, "l.")}` : ""} group by l.prefix, l.hash) n
       where newest % 2 = 0`,

    /** The head stands in every row, because one statement is one snapshot, and so does the count. At least one row. */
    get: (keys: readonly SplitKey[]) =>
      `select h.sequence, h.revision, h.compacted, ${scans.areDoubted ? `(${counted(keys)})` : "null"}, s.prefix, s.rest, s.field
       from (${head()}) h left join ${state} s force index (primary) on ${among(keys)}`,
    getAt: (revision: bigint, keys: readonly SplitKey[]) =>
      keys
        .map(
          ({ prefix, hash }, place) => `(select ${place}, deleted, field from ${log} force index (${log}_key)
            where prefix = ${bytes(prefix)} and hash = ${bytes(hash)} and revision <= ${revision}
            order by revision desc, sub desc limit 1)`,
        )
        .join(" union all "),
    leaseKeys: (lease: bigint) =>
      `select prefix, rest from ${state} force index (${state}_lease) where lease = ${lease} and lease <> 0`,

    logRows: ({ after, through, interval, limit }: LogQuery) => {
      const key = interval && singleKey(interval);
      const filter = key
        ? `and (prefix, hash) in (${keyTuple(splitKey(key))})`
        : interval && `and ${within(interval)}`;
      return `select revision, sub, deleted, previous, lease, prefix, rest, field from ${log}
        force index (${key ? `${log}_key` : "primary"})
        where ${behind(after)} and revision <= ${through} ${filter ?? ""} order by revision, sub limit ${limit + 1}`;
    },
    /** In no order. */
    replaced: (rows: readonly { key: SplitKey; revision: bigint }[]) =>
      `select prefix, rest, revision, sub, field from ${log} force index (${log}_key)
       where (prefix, hash, revision) in (${rows
         .map(({ key, revision }) => `(${bytes(key.prefix)}, ${bytes(key.hash)}, ${revision})`)
         .join(", ")})`,

    /**
     * What every poll asks, and what commits are computed on: one statement, and so one snapshot. Each row begins with which
     * part of the answer it is, see SINCE_PARTS; of a part, the rows are in no order.
     */
    since: ({ after, limit, previous, keys }: SinceQuery) => {
      const parts = [
        `(select ${SINCE_PARTS.head}, h.sequence, h.revision, h.compacted, ${metaValue("floor")}, 0, x'', x'', x'' from (${head()}) h)`,
        `(select ${SINCE_PARTS.registry}, 0, 0, 0, 0, 0, name, x'', value from ${registry}
          force index (${registry}_sequence) where sequence > ${after.sequence})`,
      ];
      const news = (columns: string) => `select ${columns} from ${log} force index (primary)
        where revision > ${after.revision} order by revision, sub limit ${limit + 1}`;
      if (limit > 0)
        parts.push(
          `(${news(`${SINCE_PARTS.log}, revision, sub, deleted, previous, lease, prefix, rest, field`)})`,
        );
      if (limit > 0 && previous)
        parts.push(`(select /*+ INL_JOIN(p) */ straight_join ${SINCE_PARTS.previous}, p.revision, p.sub, 0, 0, 0, p.prefix, p.rest, p.field
          from (${news("prefix, hash, previous")}) w join ${log} p force index (${log}_key)
          on p.prefix = w.prefix and p.hash = w.hash and p.revision = w.previous)`);
      if (keys.length > 0) {
        const split = keys.map(splitKey);
        parts.push(`(select ${SINCE_PARTS.keys}, 0, 0, 0, 0, 0, prefix, rest, field from ${state}
          force index (primary) where ${among(split)})`);
        if (scans.areDoubted)
          parts.push(`(select ${SINCE_PARTS.counted}, (${counted(split)}), 0, 0, 0, 0, x'', x'', x'')`);
      }
      return parts.join(" union all ");
    },
    pruneState: `select ${metaValue("pruned-revision")}, ${metaValue("pruned-sub")}, ${metaValue("floor")}`,
    positionAt: (after: LogPosition, through: bigint, limit: number) =>
      `select revision, sub from ${log} where ${behind(after)} and revision <= ${through}
       order by revision, sub limit ${limit - 1}, 1`,
  };
}

function writes({ log, state, commits, registry, meta }: Tables) {
  return {
    takeTurn: `select value from ${meta} where name = 'turn' for update`,

    /** A duplicate, or a null where none may be, when the head is not the base any more: see errors.ts. */
    compareAndSet: ({ id, base, head }: Commit) =>
      `insert into ${commits} (sequence, id, revision, compacted)
       select ${head.sequence}, ${bytes(id)}, case when count(*) = 1 then ${head.revision} end, ${head.compacted}
       from ${commits} where sequence = ${base.sequence} and revision = ${base.revision}`,

    changes: ({ revisions }: Commit): string[] => {
      const rows = revisions.flatMap(({ revision, changes }) =>
        changes.map(({ key, deleted, field, previous, lease }, sub) => {
          const { prefix, hash, rest } = splitKey(key);
          return `(${revision}, ${sub}, ${bytes(prefix)}, ${bytes(hash)}, ${bytes(rest)}, ${deleted ? 1 : 0}, ${bytes(field)}, ${previous}, ${lease})`;
        }),
      );
      const last = lastChanges(revisions);
      const kept = last
        .filter(({ change }) => !change.deleted)
        .map(({ revision, change: { key, field, lease } }) => {
          const { prefix, hash, rest } = splitKey(key);
          return `(${bytes(prefix)}, ${bytes(hash)}, ${bytes(rest)}, ${bytes(field)}, ${revision}, ${lease})`;
        });
      const deleted = last
        .filter(({ change }) => change.deleted)
        .map(({ change }) => keyTuple(splitKey(change.key)));
      const update = ["field", "revision", "lease"]
        .map((column) => `${column} = values(${column})`)
        .join(", ");
      return [
        ...multiRow(
          `insert into ${log} (revision, sub, prefix, hash, rest, deleted, field, previous, lease) values`,
          rows,
          "",
          STATEMENT_BYTES,
        ),
        ...multiRow(
          `insert into ${state} (prefix, hash, rest, field, revision, lease) values`,
          kept,
          `on duplicate key update ${update}`,
          STATEMENT_BYTES,
        ),
        ...multiRow(`delete from ${state} where (prefix, hash) in (`, deleted, ")", STATEMENT_BYTES),
      ];
    },

    registryWrites: ({ head, registry: writes }: Commit): string[] =>
      multiRow(
        `insert into ${registry} (name, value, sequence) values`,
        writes.map(
          ({ key, value }) =>
            `(${bytes(Buffer.from(key))}, ${value === null ? "null" : bytes(value)}, ${head.sequence})`,
        ),
        "on duplicate key update value = values(value), sequence = values(sequence)",
        STATEMENT_BYTES,
      ),
  };
}

function pruning({ log, state, commits, registry, meta }: Tables) {
  const names = [log, state, commits, registry, meta];
  const setMeta = (name: MetaName, value: string) =>
    `update ${meta} set value = ${value} where name = '${name}'`;
  return {
    /** Three lists of what is to be deleted, each in one snapshot of its own: rows of the log never change. */
    unreachable: ({ after, through, compacted }: NonNullable<PruneStep["window"]>) => {
      const window = (row: string) =>
        `${behind(after, row)} and ${row}revision <= ${through.revision}
         and (${row}revision < ${through.revision} or ${row}sub <= ${through.sub})`;
      const older = (which: string, only: string) =>
        `select /*+ INL_JOIN(o) */ straight_join o.revision, o.sub from ${log} w force index (primary)
         join ${log} o force index (${log}_key) on o.prefix = w.prefix and o.hash = w.hash and ${which}
         where ${window("w.")} and ${only}`;
      return [
        older("o.revision = w.previous", "w.previous > 0"),
        older("o.revision = w.revision and o.sub < w.sub", "w.sub > 0"),
        `select revision, sub from ${log} w force index (primary)
         where ${window("w.")} and deleted = 1 and revision < ${compacted}`,
      ];
    },
    deleteRows: (rows: readonly string[]) =>
      multiRow(`delete from ${log} where (revision, sub) in (`, rows, ")", STATEMENT_BYTES),
    setPruned: ({ revision, sub }: LogPosition) => [
      setMeta("pruned-revision", `${revision}`),
      setMeta("pruned-sub", `${sub}`),
    ],
    forget: ({ after, through }: PruneStep["sequences"]) => [
      `delete from ${commits} where sequence <= ${through}`,
      `delete from ${registry} where sequence > ${after} and sequence <= ${through} and value is null`,
      setMeta("floor", `greatest(value, ${through})`),
    ],
    size: `select coalesce(sum(data_length + index_length), 0), coalesce(sum(data_free), 0)
      from information_schema.tables
      where table_schema = database() and table_name in (${names.map((name) => `'${name}'`).join(", ")})`,
    optimize: names.map((name) => `optimize table ${name}`),
  };
}

function behind({ revision, sub }: LogPosition, row = ""): string {
  return `${row}revision >= ${revision} and (${row}revision > ${revision} or ${row}sub > ${sub})`;
}

function hasLongBound({ start, end }: Interval): boolean {
  return isLongKey(start) || (end !== null && isLongKey(end));
}

/** Whether a key is in the interval; long keys are compared by both of their parts. */
function within({ start, end }: Interval, row = ""): string {
  const parts = [atLeast(start, row)];
  if (end) parts.push(below(end, row));
  return parts.join(" and ");
}

function atLeast(start: Buffer, row: string): string {
  const { prefix, rest } = splitKey(start);
  const from = `${row}prefix >= ${bytes(prefix)}`;
  return isLongKey(start)
    ? `${from} and (${row}prefix > ${bytes(prefix)} or ${row}rest >= ${bytes(rest)})`
    : from;
}

function below(end: Buffer, row: string): string {
  const { prefix, rest } = splitKey(end);
  if (!isLongKey(end)) return `${row}prefix < ${bytes(prefix)}`;
  return `${row}prefix <= ${bytes(prefix)} and (${row}prefix < ${bytes(prefix)} or ${row}rest < ${bytes(rest)})`;
}

/** The same by what stands in the index: some long keys too many. */
function withinPrefix({ start, end }: Interval): string {
  const from = `prefix >= ${bytes(splitKey(start).prefix)}`;
  if (!end) return from;
  return `${from} and prefix ${isLongKey(end) ? "<=" : "<"} ${bytes(splitKey(end).prefix)}`;
}
