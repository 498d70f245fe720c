import { createHash } from "node:crypto";
import { EMPTY_HEAD, StorageError } from "@etcd-adapter/core/storage";
import {
  KEY_PREFIX_BYTES,
  type Migration,
  pendingMigrations,
  type Tables,
} from "@etcd-adapter/core/storage/sql";
import type { Connection } from "./connection.js";
import { isDeadlock } from "./errors.js";

const LOCK_WAIT_SECONDS = 60;

/**
 * `varbinary` and `longblob` have no collation: they compare bytewise. Keys stand in parts, see core's keys.ts.
 * `…_count` counts keys without touching values. Each statement may be run twice: not every database's lock spans
 * all its servers.
 */
function migrations({ log, state, commits, registry, meta }: Tables): Migration[] {
  const key = `prefix varbinary(${KEY_PREFIX_BYTES}) not null, hash varbinary(32) not null, rest longblob not null`;
  return [
    {
      version: 1,
      statements: [
        `create table if not exists ${log} (
           revision bigint not null, sub int not null, ${key}, deleted tinyint not null, field longblob not null,
           previous bigint not null, lease bigint not null, primary key (revision, sub),
           key ${log}_key (prefix, hash, revision, sub, deleted))`,
        `create table if not exists ${state} (
           ${key}, field longblob not null, revision bigint not null, lease bigint not null,
           primary key (prefix, hash), key ${state}_count (prefix), key ${state}_lease (lease))`,
        `create table if not exists ${commits} (
           sequence bigint not null primary key, id varbinary(16) not null, revision bigint not null,
           compacted bigint not null)`,
        `insert ignore into ${commits} values
           (${EMPTY_HEAD.sequence}, x'', ${EMPTY_HEAD.revision}, ${EMPTY_HEAD.compacted})`,
        `create table if not exists ${registry} (
           name varbinary(${KEY_PREFIX_BYTES}) not null primary key, value longblob, sequence bigint not null,
           key ${registry}_sequence (sequence))`,
        `insert ignore into ${meta} values ('pruned-revision', 0), ('pruned-sub', -1), ('floor', 0), ('turn', 0)`,
      ],
    },
  ];
}

/** Ten adapters may start at once: the first takes a lock, the others then find its work done. */
export async function migrate(connection: Connection, tables: Tables, database: string): Promise<void> {
  const all = migrations(tables);
  // A user who may only read and write rows finds a finished schema without asking for more.
  if ((await version(connection, tables)) === all.at(-1)!.version) return;
  const [[[name]]] = (await connection.run(["select database()"])) as [[[string | null]]];
  if (name === null)
    throw new StorageError("misconfigured", `${database}: name a database: write it behind the host`);
  // Locks are the server's, not the database's, and have short names.
  const lock = `etcd-adapter ${createHash("sha1").update(`${name}.${tables.meta}`).digest("hex")}`;
  if (!(await takeLock(connection, lock)))
    throw new StorageError("unavailable", `${database}: another adapter has been migrating for long`);
  try {
    await connection.run([
      `create table if not exists ${tables.meta} (name varchar(32) not null primary key, value bigint not null)`,
    ]);
    for (const step of pendingMigrations(all, await version(connection, tables), database)) {
      for (const statement of step.statements) await connection.run([statement]);
      await connection.run([`replace into ${tables.meta} values ('schema', ${step.version})`]);
    }
  } finally {
    await connection.run([`select release_lock('${lock}')`]).catch(() => {});
  }
}

/** TiDB's locks are rows: who waits for one may lose it to another so often that TiDB gives up, which is no reason to. */
async function takeLock(connection: Connection, lock: string): Promise<boolean> {
  const end = performance.now() + LOCK_WAIT_SECONDS * 1000;
  for (;;) {
    try {
      const [rows] = await connection.run([`select get_lock('${lock}', ${LOCK_WAIT_SECONDS})`]);
      return rows![0]![0] === 1;
    } catch (error) {
      if (!isDeadlock(error) || performance.now() > end) throw error;
    }
  }
}

async function version(connection: Connection, { meta }: Tables): Promise<number> {
  const [found] = await connection.run([
    `select 1 from information_schema.tables where table_schema = database() and table_name = '${meta}'`,
  ]);
  if (found!.length === 0) return 0;
  const [rows] = await connection.run([`select value from ${meta} where name = 'schema'`]);
  return Number(rows![0]?.[0] ?? 0);
}
