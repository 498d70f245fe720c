import type { MetaName, Tables } from "@etcd-adapter/core/storage/sql";
import { readStatements } from "./read-statements.js";
import { statement } from "./statement.js";

/** "etcd" and what is locked, for pg_advisory_xact_lock; its second number is made of the tables' names. */
export const MIGRATION_LOCK = 0x65746301;
const TURN_LOCK = 0x65746302;

export type Statements = ReturnType<typeof statements>;

export function statements(tables: Tables) {
  return { ...readStatements(tables), ...writeStatements(tables), ...pruneStatements(tables) };
}

export function channel({ log }: Tables): string {
  return `etcd_adapter_${log}`;
}

function writeStatements(tables: Tables) {
  const { log, state, commits, registry } = tables;
  return {
    /** Released by the end of the transaction. */
    takeTurn: statement(
      "take-turn",
      `select pg_advisory_xact_lock(${TURN_LOCK}, hashtext(current_schema || '${log}'))`,
    ),

    /**
     * The whole commit. `c` is the compare-and-set: it waits for whoever is just writing the same sequence, and has a
     * row only if that one gave up and the base is there; all else hangs on it. The notification leaves when
     * the transaction ends.
     */
    commit: statement(
      "commit",
      `with c as (
         insert into ${commits} (sequence, id, revision, compacted)
         select :sequence::bigint, :id, :revision::bigint, :compacted::bigint
         from ${commits} where sequence = :baseSequence and revision = :baseRevision
         on conflict do nothing returning sequence),
       u as materialized (
         select * from unnest(:revisions::bigint[], :subs::integer[], :prefixes::bytea[], :hashes::bytea[],
           :rests::bytea[], :deleted::boolean[], :fields::bytea[], :previous::bigint[], :leases::bigint[], :last::boolean[])
           as u(revision, sub, prefix, hash, rest, deleted, field, previous, lease, last)
         where exists (select 1 from c)),
       l as (
         insert into ${log} (revision, sub, prefix, hash, rest, deleted, field, previous, lease)
         select revision, sub, prefix, hash, rest, deleted, field, previous, lease from u),
       p as (
         insert into ${state} (prefix, hash, rest, field, revision, lease)
         select prefix, hash, rest, field, revision, lease from u where last and not deleted
         on conflict (prefix, hash) do update
           set field = excluded.field, revision = excluded.revision, lease = excluded.lease),
       d as (
         delete from ${state} s using u where u.last and u.deleted and s.prefix = u.prefix and s.hash = u.hash),
       r as (
         insert into ${registry} (key, value, sequence)
         select key, value, :sequence from unnest(:registryKeys::text[], :registryValues::bytea[]) as w(key, value)
         where exists (select 1 from c)
         on conflict (key) do update set value = excluded.value, sequence = excluded.sequence)
       select sequence, pg_notify('${channel(tables)}', sequence::text) from c`,
    ),
  };
}

function pruneStatements({ log, state, commits, registry, meta }: Tables) {
  const window = (row: string) =>
    `(${row}.revision, ${row}.sub) > (:revision, :sub) and (${row}.revision, ${row}.sub) <= (:throughRevision, :throughSub)`;
  /** One statement sees one snapshot, so what it deletes itself is still found. */
  const older = (name: string, which: string, only: string) =>
    statement(
      name,
      `delete from ${log} o using ${log} w
       where ${window("w")} and ${only} and o.prefix = w.prefix and o.hash = w.hash and ${which}`,
    );
  const setMeta = (name: MetaName, value: string) =>
    statement(`set-${name}`, `update ${meta} set value = ${value} where name = '${name}'`);
  const names = [log, state, commits, registry, meta];
  return {
    pruneReplaced: older("prune-replaced", "o.revision = w.previous", "w.previous > 0"),
    pruneWithin: older("prune-within", "o.revision = w.revision and o.sub < w.sub", "w.sub > 0"),
    pruneDeletions: statement(
      "prune-deletions",
      `delete from ${log} w where ${window("w")} and w.deleted and w.revision < :compacted`,
    ),
    setPrunedRevision: setMeta("pruned-revision", ":revision"),
    setPrunedSub: setMeta("pruned-sub", ":sub"),
    setFloor: setMeta("floor", "greatest(value, :through)"),
    pruneCommits: statement("prune-commits", `delete from ${commits} where sequence <= :through`),
    pruneRegistry: statement(
      "prune-registry",
      `delete from ${registry} where sequence > :after and sequence <= :through and value is null`,
    ),

    /** What is in use is estimated, as the share of rows that are live. */
    size: statement(
      "size",
      `select coalesce(sum(bytes), 0)::bigint,
         coalesce(sum(bytes * case when live + dead = 0 then 1 else live::numeric / (live + dead) end), 0)::bigint
       from (select pg_total_relation_size(to_regclass(name)) as bytes,
         pg_stat_get_live_tuples(to_regclass(name)) as live, pg_stat_get_dead_tuples(to_regclass(name)) as dead
         from unnest(array[${names.map((name) => `'${name}'`).join(", ")}]) as t(name)) as s`,
    ),
    vacuum: names.map((name) => `vacuum ${name}`),
  };
}
