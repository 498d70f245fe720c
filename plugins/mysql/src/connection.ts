import { connect as connectSocket, type Socket } from "node:net";
import {
  type Connect,
  ConnectionDropped,
  type LaneClient,
  readPassword,
  readTls,
  type ServerSettings,
} from "@etcd-adapter/core/storage/sql";
import mysql from "mysql2";

/** A value as the text protocol brings it: a 64-bit integer is a string where a number would not be exact. */
export type Value = string | number | Buffer | null;
export type Row = readonly Value[];

const KEEPALIVE_DELAY_MS = 10_000;

const SESSION = [
  // What does not fit is an error; the commit's compare-and-set relies on it.
  "set session sql_mode = 'STRICT_ALL_TABLES'",
  // In seconds. Whoever holds a lock for longer stands still.
  "set session innodb_lock_wait_timeout = 2",
  "set session wait_timeout = 28800",
];

/** More came than was to be read at once. */
export class AnswerTooLarge extends Error {}

/** A client whose every call is one packet of statements, of which each is answered. */
export class Connection implements LaneClient {
  private last: Promise<unknown> = Promise.resolve();
  private bytesAllowed = Number.POSITIVE_INFINITY;

  constructor(
    private readonly client: mysql.Connection,
    private readonly onLost: () => void,
  ) {
    this.stream.on("data", () => {
      if (this.stream.bytesRead > this.bytesAllowed)
        this.destroy(new AnswerTooLarge("the answer is too large"));
    });
  }

  /**
   * The rows of each statement, none for one that changes data. The server runs the statements without further ado,
   * so that a process that stands still leaves no transaction open; after one that fails it runs no other.
   * With `maxBytes` the connection is given up as soon as the answer is larger.
   */
  run(statements: readonly string[], maxBytes?: number): Promise<Row[][]> {
    return this.inTurn(() => this.query(statements, maxBytes));
  }

  /**
   * Statements that read, in one snapshot and one round trip. When one fails the server runs no other, not the last, either: the
   * snapshot is left before anything else is read here, which would see it, too, and not the newest.
   */
  async snapshot(statements: readonly string[], maxBytes?: number): Promise<Row[][]> {
    if (statements.length === 1) return this.run(statements, maxBytes);
    const all = ["start transaction with consistent snapshot", ...statements, "commit"];
    const answers = await this.inTurn(async () => {
      try {
        return await this.query(all, maxBytes);
      } catch (error) {
        await this.query(["rollback"]).catch((cause) => this.destroy(cause));
        throw error;
      }
    });
    return answers.slice(1, -1);
  }

  destroy(cause: Error): void {
    this.onLost();
    this.stream.destroy(cause);
  }

  end(): Promise<void> {
    return new Promise((resolve) => this.client.end(() => resolve()));
  }

  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    const answer = this.last.then(work);
    this.last = answer.catch(() => {});
    return answer;
  }

  private query(statements: readonly string[], maxBytes = Number.POSITIVE_INFINITY): Promise<Row[][]> {
    this.bytesAllowed = this.stream.bytesRead + maxBytes;
    return new Promise((resolve, reject) => {
      this.client.query({ sql: statements.join(";\n"), rowsAsArray: true }, (error, result) => {
        if (error?.fatal) this.onLost();
        if (error) return reject(withoutStatements(error));
        const results = statements.length === 1 ? [result] : (result as unknown[]);
        resolve(results.map((rows) => (Array.isArray(rows) ? (rows as Row[]) : [])));
      });
    });
  }

  /** mysql2 has no other way to break an answer off, or to fail what waits for one. */
  private get stream(): Socket {
    return (this.client as unknown as { readonly stream: Socket }).stream;
  }
}

/** Errors end in logs, and what clients store must not. */
function withoutStatements(error: Error & { sql?: string }): Error {
  delete error.sql;
  return error;
}

export type Isolation = "read committed" | "repeatable read";

export function connector(settings: ServerSettings, isolation: Isolation): Connect<Connection> {
  return async (onLost) => {
    const [password, tls] = await Promise.all([readPassword(settings.password), readTls(settings.tls)]);
    const { host, port, user, database } = settings;
    // What the server's certificate is compared with: mysql2 tells Node no address, which then takes the socket's `_host`.
    const name = tls?.serverName ?? host;
    const address = host.startsWith("/") ? { path: host } : { host, port };
    const client = mysql.createConnection({
      host: name,
      stream: () => Object.assign(connectSocket(address), { _host: name }),
      ...(user !== undefined && { user }),
      ...(password !== undefined && { password }),
      ...(database !== undefined && { database }),
      ...(tls && {
        ssl: {
          rejectUnauthorized: tls.verify,
          verifyIdentity: tls.verify,
          ...(tls.ca && { ca: tls.ca }),
          ...(tls.cert && { cert: tls.cert }),
          ...(tls.key && { key: tls.key }),
        },
      }),
      connectTimeout: settings.connectTimeoutMs,
      enableKeepAlive: true,
      keepAliveInitialDelay: KEEPALIVE_DELAY_MS,
      multipleStatements: true,
      supportBigNumbers: true,
      charset: "utf8mb4",
    });
    client.on("error", onLost);
    client.on("end", onLost);
    await new Promise<void>((resolve, reject) => {
      client.connect((error) => (error ? reject(error) : resolve()));
    });
    const connection = new Connection(client, onLost);
    try {
      await connection.run([...SESSION, `set session transaction isolation level ${isolation}`]);
    } catch (error) {
      connection.destroy(new ConnectionDropped("the session could not be set up"));
      throw error;
    }
    return connection;
  };
}
