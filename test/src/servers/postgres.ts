import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { temporaryFolder } from "./folders.js";
import { freshName } from "./names.js";
import { freePort, host } from "./ports.js";
import { ServerProcess } from "./process.js";
import { requireProgram, run } from "./programs.js";
import type { SqlServer } from "./sql.js";

export interface PostgresOptions {
  /** Server settings ("max_connections": "20"); fsync and synchronous_commit stay on unless named here. */
  readonly settings?: Readonly<Record<string, string>>;
}

export type PostgresServer = SqlServer;

const user = "postgres";
const password = "etcd-adapter";

export async function startPostgres(options: PostgresOptions = {}): Promise<PostgresServer> {
  // Debian keeps the server's programs off PATH, a folder for each version
  const folders = versionFolders("/usr/lib/postgresql");
  const program = requireProgram("postgres", "postgresql", folders);
  const initdb = requireProgram("initdb", "postgresql", folders);
  const psql = requireProgram("psql", "postgresql-client", folders);

  const folder = temporaryFolder("postgres", user);
  const data = join(folder, "data");
  const passwordFile = join(folder, "password");
  writeFileSync(passwordFile, password);
  // --no-sync: nothing is lost if the template of a new server is
  const flags = ["--no-sync", "--encoding=UTF8", "--locale=C.UTF-8", "--auth=scram-sha-256"];
  await run(initdb, ["-D", data, "-U", user, `--pwfile=${passwordFile}`, ...flags], { user, cwd: folder });

  const port = await freePort();
  const url = `postgres://${user}:${password}@${host}:${port}/postgres`;
  const sql = (statement: string, databaseUrl = url) =>
    run(psql, ["-X", "-qAt", "-F", "\t", "-v", "ON_ERROR_STOP=1", "-c", statement, databaseUrl], {
      env: { PGCONNECT_TIMEOUT: "5" },
      timeoutMs: 30_000,
    });
  const settings = {
    listen_addresses: host,
    port: String(port),
    unix_socket_directories: "",
    ...options.settings,
  };
  const server = await ServerProcess.start({
    name: "PostgreSQL",
    program,
    args: ["-D", data, ...Object.entries(settings).flatMap(([key, value]) => ["-c", `${key}=${value}`])],
    folder,
    user,
    // a fast shutdown; at SIGTERM it would wait until its clients leave
    stopSignal: "SIGINT",
    probe: () => sql("select 1"),
  });
  return Object.assign(server, {
    host,
    port,
    user,
    password,
    url,
    sql,
    freshDatabase: async () => {
      const name = freshName();
      await sql(`create database ${name}`);
      return `postgres://${user}:${password}@${host}:${port}/${name}`;
    },
  });
}

/** The newest version first. */
function versionFolders(root: string): string[] {
  try {
    const versions = readdirSync(root).sort((a, b) => Number(b) - Number(a));
    return versions.map((version) => join(root, version, "bin"));
  } catch {
    return [];
  }
}
