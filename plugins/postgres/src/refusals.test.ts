import {
  isRequired,
  SmallDisk,
  type SqlServer,
  startPostgres,
} from "@etcd-adapter/test/dist/servers/index.js";
import { storageRefusals } from "@etcd-adapter/test/dist/storage-faults/index.js";

const DISK_MEGABYTES = 64;
/** Bytes that are left free: room for a few values. */
const ROOM = 3 << 20;

let users = 0;

async function database(
  server: SqlServer,
  tablespace = "pg_default",
): Promise<{ url: string; user: string }> {
  const user = `plain${users++}`;
  await server.sql(`create role ${user} login password 'plain'`);
  await server.sql(`create database ${user} owner ${user} tablespace ${tablespace}`);
  return { user, url: `postgres://${user}:plain@${server.host}:${server.port}/${user}` };
}

if (isRequired("postgres"))
  storageRefusals({
    name: "postgres",
    start: startPostgres,
    database: (server) => database(server),
    small: async (server, t) => {
      if (!SmallDisk.available) return undefined;
      const disk = await SmallDisk.mount(DISK_MEGABYTES, "postgres");
      t.after(() => disk.detach());
      await server.sql(`create tablespace small location '${disk.folder}'`);
      const { url } = await database(server, "small");
      disk.fill(ROOM);
      return { url, free: async () => disk.free() };
    },
    // As after a failover in which the old primary is fenced.
    readOnly: {
      on: ["alter system set default_transaction_read_only = on", "select pg_reload_conf()"],
      off: ["alter system reset default_transaction_read_only", "select pg_reload_conf()"],
    },
    limit: (user) => ({
      on: `alter role ${user} connection limit 1`,
      off: `alter role ${user} connection limit -1`,
    }),
    hold: "select pg_sleep(20)",
    disconnect: (server, user) =>
      server.sql(
        `select pg_terminate_backend(pid) from pg_stat_activity where usename = '${user}' and query not like '%pg_sleep%'`,
      ),
  });
