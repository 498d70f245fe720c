import type { ServerProcess } from "./process.js";

/** What the SQL servers have in common. */
export type SqlServer = ServerProcess & {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  /** The server's URL with no test's database in it; plugins get one from freshDatabase. */
  readonly url: string;
  /** Creates an empty database that no one else uses, and gives its URL. */
  freshDatabase(): Promise<string>;
  /** Runs a statement through the command-line client: rows by line, columns by tab. */
  sql(statement: string, databaseUrl?: string): Promise<string>;
};
