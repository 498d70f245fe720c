import { EMPTY_HEAD } from "@etcd-adapter/core/storage";
import { type Migration, pendingMigrations, type Tables } from "@etcd-adapter/core/storage/sql";
import type { Database } from "better-sqlite3";

/**
 * `state` is clustered by key, so that a range is one run of pages. `log` is not: there, values of some
 * kilobytes would spill into pages of their own. `…_count` counts keys without touching values.
 */
function migrations({ log, state, commits, registry, meta }: Tables): Migration[] {
  return [
    {
      version: 1,
      statements: [
        `create table ${log} (
           revision integer not null, sub integer not null, key blob not null, deleted integer not null,
           field blob not null, previous integer not null, lease integer not null,
           primary key (revision, sub))`,
        `create index ${log}_key on ${log} (key, revision, sub, deleted)`,
        `create table ${state} (
           key blob primary key, field blob not null, revision integer not null, lease integer not null
         ) without rowid`,
        `create index ${state}_count on ${state} (key)`,
        `create index ${state}_lease on ${state} (lease) where lease <> 0`,
        `create table ${commits} (
           sequence integer primary key, id blob not null, revision integer not null, compacted integer not null)`,
        `insert into ${commits} values (${EMPTY_HEAD.sequence}, x'', ${EMPTY_HEAD.revision}, ${EMPTY_HEAD.compacted})`,
        `create table ${registry} (key text primary key, value blob, sequence integer not null) without rowid`,
        `create index ${registry}_sequence on ${registry} (sequence)`,
        `insert into ${meta} values ('pruned-revision', 0), ('pruned-sub', -1), ('floor', 0)`,
      ],
    },
    { version: 2, statements: [`insert into ${meta} values ('identity', random())`] },
  ];
}

/** By which a redo log is known as this file's. */
export function identityOf(database: Database, { meta }: Tables): bigint {
  const statement = database.prepare<[], bigint>(`select value from ${meta} where name = 'identity'`);
  return statement.safeIntegers(true).pluck(true).get()!;
}

export function migrate(database: Database, tables: Tables, file: string): void {
  const version = () =>
    Number(database.prepare(`select value from ${tables.meta} where name = 'schema'`).pluck().get() ?? 0);
  const hasMeta = database.prepare("select 1 from sqlite_schema where name = ?").get(tables.meta);
  if (hasMeta && pendingMigrations(migrations(tables), version(), file).length === 0) return;

  const run = database.transaction(() => {
    database.exec(
      `create table if not exists ${tables.meta} (name text primary key, value integer not null) without rowid`,
    );
    for (const step of pendingMigrations(migrations(tables), version(), file)) {
      for (const statement of step.statements) database.exec(statement);
      database.prepare(`insert or replace into ${tables.meta} values ('schema', ?)`).run(step.version);
    }
  });
  run.immediate();
}
