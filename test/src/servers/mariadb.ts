import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { temporaryFolder } from "./folders.js";
import { mysqlClient, mysqlUrl } from "./mysql-client.js";
import { freshName } from "./names.js";
import { freePort, host } from "./ports.js";
import { ServerProcess } from "./process.js";
import { requireProgram, run } from "./programs.js";
import type { SqlServer } from "./sql.js";

export interface MariadbOptions {
  /** Server variables ("max-connections": "20"); each commit is synced to disk unless named here. */
  readonly settings?: Readonly<Record<string, string>>;
}

export type MariadbServer = SqlServer;

const systemUser = "mysql";

/** A MySQL's server program, which then stands in for MariaDB's: for machines whose packages have one. */
const mysqld = process.env.ETCD_ADAPTER_TEST_MYSQLD;

export async function startMariadb(options: MariadbOptions = {}): Promise<MariadbServer> {
  const program = mysqld ?? requireProgram("mariadbd", "mariadb-server");
  const folder = temporaryFolder("mariadb", systemUser);
  const data = join(folder, "data");
  await install(folder, data);

  const account = { host, port: await freePort(), user: "etcd_adapter", password: "etcd-adapter" };
  const name = `'${account.user}'@'${host}'`;
  const initFile = join(folder, "init.sql");
  // the server reads one statement a line
  writeFileSync(
    initFile,
    `CREATE USER IF NOT EXISTS ${name} IDENTIFIED BY '${account.password}';\n` +
      `GRANT ALL PRIVILEGES ON *.* TO ${name} WITH GRANT OPTION;\n`,
  );
  const settings = {
    datadir: data,
    tmpdir: folder,
    port: String(account.port),
    "bind-address": host,
    "skip-name-resolve": "1",
    socket: join(folder, "mariadb.sock"),
    "pid-file": join(folder, "mariadb.pid"),
    "init-file": initFile,
    ...(mysqld && { mysqlx: "0", "secure-file-priv": "NULL" }),
    ...options.settings,
  };
  const sql = mysqlClient(account);
  const server = await ServerProcess.start({
    name: mysqld ? "MySQL" : "MariaDB",
    program,
    args: ["--no-defaults", ...Object.entries(settings).map(([key, value]) => `--${key}=${value}`)],
    folder,
    user: systemUser,
    probe: () => sql("SELECT 1"),
  });
  return Object.assign(server, {
    ...account,
    url: mysqlUrl(account),
    sql,
    freshDatabase: async () => {
      const database = freshName();
      await sql(`CREATE DATABASE ${database}`);
      return mysqlUrl(account, database);
    },
  });
}

async function install(folder: string, data: string): Promise<void> {
  // A server that starts clears away what looks like temporary tables in a folder that it shares with others.
  const common = ["--no-defaults", `--datadir=${data}`, `--tmpdir=${folder}`];
  const as = { user: systemUser, cwd: folder };
  if (mysqld) {
    await run(mysqld, [...common, "--initialize-insecure"], as);
    return;
  }
  const installDb = requireProgram("mariadb-install-db", "mariadb-server");
  const bare = ["--auth-root-authentication-method=normal", "--skip-test-db", "--skip-name-resolve"];
  await run(installDb, [...common, ...bare], as);
}
