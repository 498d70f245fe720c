import type { Connect, LaneClient, ServerSettings } from "@etcd-adapter/core/storage/sql";
import { readPassword, readTls } from "@etcd-adapter/core/storage/sql";
import pg from "pg";
import type { Statement } from "./statement.js";

/** A value as PostgreSQL sends it: 64-bit integers are strings. */
export type Value = string | number | boolean | Buffer | null;

export type Parameter = string | number | bigint | Buffer | null;

export type Parameters = Readonly<Record<string, Parameter>>;

const KEEPALIVE_DELAY_MS = 10_000;

/**
 * Every statement is a walk along an index, and stays one when the planner knows nothing of the tables yet: a plan made
 * on an empty table is kept, and would sort or scan a large one. One plan serves all parameters.
 */
const SESSION = [
  "enable_seqscan = off",
  "enable_bitmapscan = off",
  "enable_hashjoin = off",
  "enable_mergejoin = off",
  "enable_sort = off",
  "jit = off",
  "plan_cache_mode = force_generic_plan",
  "default_transaction_isolation = 'read committed'",
  "statement_timeout = 0",
  // A commit may wait for one of another adapter that stands still; and who stands still must not hold locks for long.
  "lock_timeout = '2s'",
  "idle_in_transaction_session_timeout = '5s'",
  "client_min_messages = 'error'",
];

/** A client whose statements may follow one another without waiting for answers. */
export class Connection implements LaneClient {
  constructor(private readonly client: pg.Client) {}

  /** Sends at once, behind what was sent before. */
  async call({ name, text, parameters }: Statement, values: Parameters = {}): Promise<Value[][]> {
    const query = { name, text, values: parameters.map((key) => values[key]), rowMode: "array" as const };
    return (await this.client.query<Value[]>(query)).rows;
  }

  /** The same for what is not worth preparing. */
  async run(text: string, values: readonly Parameter[] = []): Promise<Value[][]> {
    const query = { text, values: [...values], rowMode: "array" as const };
    return (await this.client.query<Value[]>(query)).rows ?? [];
  }

  onNotification(listener: (payload: string) => void): void {
    this.client.on("notification", ({ payload }) => listener(payload ?? ""));
  }

  destroy(cause: Error): void {
    this.client.connection.stream.destroy(cause);
  }

  end(): Promise<void> {
    return this.client.end();
  }
}

export function connector(settings: ServerSettings, name: string): Connect<Connection> {
  return async (onLost) => {
    const [password, tls] = await Promise.all([readPassword(settings.password), readTls(settings.tls)]);
    const client = new pg.Client({
      host: settings.host,
      port: settings.port,
      user: settings.user,
      password,
      database: settings.database ?? settings.user,
      ssl: tls && {
        rejectUnauthorized: tls.verify,
        ...(tls.ca && { ca: tls.ca }),
        ...(tls.cert && { cert: tls.cert }),
        ...(tls.key && { key: tls.key }),
        ...(tls.serverName && { servername: tls.serverName }),
        ...(!tls.verify && { checkServerIdentity: () => undefined }),
      },
      connectionTimeoutMillis: settings.connectTimeoutMs,
      keepAlive: true,
      keepAliveInitialDelayMillis: KEEPALIVE_DELAY_MS,
      application_name: `etcd-adapter ${name}`,
      pipeline: true,
    });
    client.on("error", onLost);
    client.on("end", onLost);
    await client.connect();
    const connection = new Connection(client);
    try {
      await connection.run(SESSION.map((setting) => `set ${setting}`).join("; "));
    } catch (error) {
      connection.destroy(error as Error);
      throw error;
    }
    return connection;
  };
}
