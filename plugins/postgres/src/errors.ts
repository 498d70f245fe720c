import { StorageError, type StorageErrorCode } from "@etcd-adapter/core/storage";
import { ConnectionDropped, NotConnected } from "@etcd-adapter/core/storage/sql";
import pg from "pg";

/** SQLSTATEs, by their first letters: https://www.postgresql.org/docs/current/errcodes-appendix.html */
const CODES: readonly (readonly [prefix: string, code: StorageErrorCode, remedy: string])[] = [
  ["28", "misconfigured", "check the user and the password, and pg_hba.conf on the server"],
  ["3D", "misconfigured", "create the database, or name another one"],
  ["3F", "misconfigured", "create the schema that the user's search_path names"],
  [
    "42501",
    "misconfigured",
    "grant the user the right to create tables, or to read and write those that are there",
  ],
  ["42P07", "misconfigured", "a table of that name is somebody else's: choose a table-prefix"],
  ["42703", "misconfigured", "a table of that name is somebody else's: choose a table-prefix"],
  ["42P01", "misconfigured", "the tables are gone: restart the adapter to create them"],
  ["53300", "unavailable", "raise max_connections or the role's limit, or lower pool-size"],
  ["53100", "full", "the server's disk is full"],
  ["54023", "internal", ""],
  ["XX001", "corrupt", "restore the database from a backup"],
  ["XX002", "corrupt", "rebuild the index that the message names"],
  // A standby, or a server that has just become one.
  ["25006", "unavailable", "name the primary as the host, or make this server writable"],
  ["40", "unavailable", ""],
  ["55", "unavailable", ""],
  ["57", "unavailable", ""],
  ["53", "unavailable", ""],
  ["58", "unavailable", ""],
  ["08", "unavailable", ""],
  ["25P0", "unavailable", ""],
];

/** Neither an ERROR, after which nothing is changed: the server gave up in the middle of something. */
const FATAL = new Set(["FATAL", "PANIC"]);

/** What the operating system says of an address that may be right tomorrow. */
const NETWORK = /^(E[A-Z_]+|ERR_SOCKET_CLOSED)$/;

/** Certificates that do not fit will not do so the next time. */
const TLS = /^(ERR_TLS_|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_|ERR_SSL_|ERR_OSSL_)/;

/** Gives what pg throws a code, and a sentence. */
export function storageError(error: unknown, where: string, during: "commit" | "other"): StorageError {
  if (error instanceof StorageError) return error;
  if (error instanceof NotConnected) {
    if (error.cause === undefined) return problem("unavailable", where, error);
    const inner = storageError(error.cause, where, "other");
    return inner.code === "internal" ? problem("unavailable", where, error) : inner;
  }
  if (error instanceof pg.DatabaseError) return databaseError(error, where, during);
  const code = codeOf(error);
  if (TLS.test(code))
    return problem("misconfigured", where, error, "check tls-ca, tls-cert, tls-key and tls-server-name");
  if (isConnectionError(error, code))
    return problem(during === "commit" ? "uncertain" : "unavailable", where, error);
  return problem("internal", where, error);
}

/** Whether another server may be the right one by now, so that connections are to be made anew. */
export function isReadOnly(error: unknown): boolean {
  return error instanceof pg.DatabaseError && error.code === "25006";
}

export function isLockTimeout(error: unknown): boolean {
  return error instanceof pg.DatabaseError && error.code === "55P03";
}

function databaseError(error: pg.DatabaseError, where: string, during: "commit" | "other"): StorageError {
  const state = error.code ?? "";
  const unknown = FATAL.has(error.severity ?? "") || state === "40003" || state === "08007";
  if (during === "commit" && unknown) return problem("uncertain", where, error);
  const found = CODES.find(([prefix]) => state.startsWith(prefix));
  return found ? problem(found[1], where, error, found[2]) : problem("internal", where, error);
}

function isConnectionError(error: unknown, code: string): boolean {
  if (error instanceof ConnectionDropped) return true;
  if (NETWORK.test(code)) return true;
  const text = error instanceof Error ? error.message : "";
  return /Connection terminated|not queryable|timeout expired|connection is closed|Client was closed|does not support SSL/i.test(
    text,
  );
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}

function problem(code: StorageErrorCode, where: string, cause: unknown, remedy = ""): StorageError {
  const text = cause instanceof Error ? cause.message : String(cause);
  return new StorageError(code, `${where}: ${text}${remedy && `: ${remedy}`}`, { cause });
}
