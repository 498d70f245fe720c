import { EMPTY_HEAD } from "@etcd-adapter/core/storage";
import { type Migration, pendingMigrations, type Tables } from "@etcd-adapter/core/storage/sql";
import type { Connection } from "./connection.js";
import { MIGRATION_LOCK } from "./statements.js";

/**
 * `bytea` compares bytewise whatever the database's collation. Keys stand in parts, see core's keys.ts.
 * `state` leaves room in its pages, so that an update of a key touches no index.
 */
function migrations({ log, state, commits, registry, meta }: Tables): Migration[] {
  return [
    {
      version: 1,
      statements: [
        `create table ${log} (
           revision bigint not null, sub integer not null, prefix bytea not null, hash bytea not null,
           rest bytea not null, deleted boolean not null, field bytea not null, previous bigint not null,
           lease bigint not null, primary key (revision, sub))`,
        `create index ${log}_key on ${log} (prefix, hash, revision desc, sub desc) include (deleted)`,
        `create table ${state} (
           prefix bytea not null, hash bytea not null, rest bytea not null, field bytea not null,
           revision bigint not null, lease bigint not null, primary key (prefix, hash))
           with (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05)`,
        `create index ${state}_lease on ${state} (lease) where lease <> 0`,
        `create table ${commits} (
           sequence bigint primary key, id bytea not null, revision bigint not null, compacted bigint not null)`,
        `insert into ${commits} values (${EMPTY_HEAD.sequence}, '', ${EMPTY_HEAD.revision}, ${EMPTY_HEAD.compacted})`,
        `create table ${registry} (key text collate "C" primary key, value bytea, sequence bigint not null)`,
        `create index ${registry}_sequence on ${registry} (sequence)`,
        `insert into ${meta} values ('pruned-revision', 0), ('pruned-sub', -1), ('floor', 0)`,
      ],
    },
  ];
}

/** Ten adapters may start at once: the first takes a lock, the others then find its work done. */
export async function migrate(connection: Connection, tables: Tables, database: string): Promise<void> {
  const all = migrations(tables);
  // A role that may only read and write rows finds a finished schema without asking for more.
  if ((await version(connection, tables)) === all.at(-1)!.version) return;
  await connection.run("begin; set local lock_timeout = '60s'");
  try {
    await connection.run(`select pg_advisory_xact_lock(${MIGRATION_LOCK}, hashtext(current_schema || $1))`, [
      tables.meta,
    ]);
    await connection.run(
      `create table if not exists ${tables.meta} (name text collate "C" primary key, value bigint not null)`,
    );
    for (const step of pendingMigrations(all, await version(connection, tables), database)) {
      for (const statement of step.statements) await connection.run(statement);
      await connection.run(
        `insert into ${tables.meta} values ('schema', $1) on conflict (name) do update set value = excluded.value`,
        [step.version],
      );
    }
    await connection.run("commit");
  } catch (error) {
    await connection.run("rollback").catch(() => {});
    throw error;
  }
}

async function version(connection: Connection, { meta }: Tables): Promise<number> {
  const [[found]] = (await connection.run("select to_regclass($1)::text", [meta])) as [[string | null]];
  if (found === null) return 0;
  const rows = await connection.run(`select value from ${meta} where name = 'schema'`);
  return Number(rows[0]?.[0] ?? 0);
}
