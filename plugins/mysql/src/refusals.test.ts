import { isRequired, type SqlServer, startMariadb } from "@etcd-adapter/test/dist/servers/index.js";
import { storageRefusals } from "@etcd-adapter/test/dist/storage-faults/index.js";

let users = 0;

async function database(server: SqlServer): Promise<{ url: string; user: string }> {
  const user = `plain${users++}`;
  await server.sql(`create database ${user}`);
  await server.sql(`create user '${user}'@'${server.host}' identified by 'plain'`);
  await server.sql(`grant all privileges on ${user}.* to '${user}'@'${server.host}'`);
  return { user, url: `mysql://${user}:plain@${server.host}:${server.port}/${user}` };
}

if (isRequired("mariadb"))
  storageRefusals({
    name: "mariadb",
    start: startMariadb,
    database,
    readOnly: { on: ["set global read_only = on"], off: ["set global read_only = off"] },
    limit: (user) => ({
      on: `alter user '${user}'@'127.0.0.1' with max_user_connections 1`,
      off: `alter user '${user}'@'127.0.0.1' with max_user_connections 0`,
    }),
    hold: "select sleep(20)",
    disconnect: async (server, user) => {
      const others = await server.sql(
        `select id from information_schema.processlist where user = '${user}' and coalesce(info, '') not like '%sleep%'`,
      );
      for (const id of others.split("\n").filter((line) => line !== "")) await server.sql(`kill ${id}`);
    },
  });
