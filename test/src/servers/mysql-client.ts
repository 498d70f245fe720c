import { requireProgram, run } from "./programs.js";

export interface MysqlAccount {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
}

export function mysqlUrl({ host, port, user, password }: MysqlAccount, database = ""): string {
  return `mysql://${user}${password === "" ? "" : `:${password}`}@${host}:${port}/${database}`;
}

/** Runs statements through MariaDB's command-line client, which speaks to TiDB as well. */
export function mysqlClient(account: MysqlAccount): (sql: string, databaseUrl?: string) => Promise<string> {
  const mariadb = requireProgram("mariadb", "mariadb-client");
  const flags = ["--no-defaults", "--protocol=tcp", "--connect-timeout=5", "--batch", "--skip-column-names"];
  const to = [`--host=${account.host}`, `--port=${account.port}`, `--user=${account.user}`];
  return (statement, databaseUrl) => {
    const database = databaseUrl === undefined ? "" : new URL(databaseUrl).pathname.slice(1);
    return run(mariadb, [...flags, ...to, `--execute=${statement}`, ...(database === "" ? [] : [database])], {
      env: { MYSQL_PWD: account.password },
      timeoutMs: 30_000,
    });
  };
}
