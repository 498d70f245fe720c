import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { built } from "./build.js";
import { temporaryFolder } from "./folders.js";
import { mysqlClient, mysqlUrl } from "./mysql-client.js";
import { freshName } from "./names.js";
import { freePorts, host } from "./ports.js";
import { ServerProcess } from "./process.js";
import type { SqlServer } from "./sql.js";

export interface TidbOptions {
  /** More lines of TiDB's configuration file, in TOML. */
  readonly config?: string;
}

export type TidbServer = SqlServer;

/** One process that is storage, placement and SQL: enough for correctness, not for figures of TiKV. */
export async function startTidb(options: TidbOptions = {}): Promise<TidbServer> {
  const { "tidb-server": program } = await built("tidb");
  const [port, statusPort] = (await freePorts(2)) as [number, number];
  const account = { host, port, user: "root", password: "" };
  const sql = mysqlClient(account);

  const folder = temporaryFolder("tidb");
  const config = join(folder, "tidb.toml");
  // its defaults are paths that all TiDB servers of a machine would share
  const paths = {
    "temp-dir": join(folder, "temp"),
    "tmp-storage-path": join(folder, "tmp-storage"),
    socket: "",
  };
  const lines = Object.entries(paths).map(([key, value]) => `${key} = ${JSON.stringify(value)}`);
  writeFileSync(config, `${lines.join("\n")}\n${options.config ?? ""}\n`);

  const server = await ServerProcess.start({
    name: "TiDB",
    program,
    args: [
      ...["-config", config, "-store", "unistore", "-path", join(folder, "data")],
      ...["-host", host, "-P", String(port), "-status", String(statusPort), "-L", "warn"],
    ],
    folder,
    // its first start creates its system tables
    readyTimeoutMs: 120_000,
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
