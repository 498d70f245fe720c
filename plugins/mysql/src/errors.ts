import { type Commit, StorageError, type StorageErrorCode } from "@etcd-adapter/core/storage";
import { ConnectionDropped, NotConnected } from "@etcd-adapter/core/storage/sql";

const READ_ONLY_REMEDY = "name the primary as the host, or make this server writable";
const CONNECTIONS_REMEDY = "raise max_connections or the user's limit, or lower pool-size";

/** MySQL's numbers, which MariaDB and TiDB share; TiDB's own are above 8,000. */
const CODES: Readonly<Record<number, readonly [code: StorageErrorCode, remedy: string]>> = {
  1044: ["misconfigured", "grant the user all rights on the database"],
  1045: ["misconfigured", "check the user and the password"],
  1049: ["misconfigured", "create the database, or name another one"],
  1046: ["misconfigured", "name a database: write it behind the host"],
  1142: ["misconfigured", "grant the user all rights on the database's tables"],
  1698: ["misconfigured", "check the user and the password"],
  1130: ["misconfigured", "let the user connect from this host"],
  1251: ["misconfigured", "the user's way of authentication is too old: choose another"],
  1054: ["misconfigured", "a table of that name is somebody else's: choose a table-prefix"],
  1146: ["misconfigured", "the tables are gone: restart the adapter to create them"],
  3159: ["misconfigured", "the server wants TLS: set tls, or tls-ca"],
  1021: ["full", "the server's disk is full"],
  1114: ["full", "the server's disk, or the table's space, is full"],
  1034: ["corrupt", "restore the database from a backup"],
  1712: ["corrupt", "restore the database from a backup"],
  // Read-only: a replica, or a server that has just become one.
  1290: ["unavailable", READ_ONLY_REMEDY],
  1792: ["unavailable", ""],
  1836: ["unavailable", READ_ONLY_REMEDY],
  8143: ["unavailable", READ_ONLY_REMEDY],
  // Too many connections, of all or of the user.
  1040: ["unavailable", CONNECTIONS_REMEDY],
  1203: ["unavailable", CONNECTIONS_REMEDY],
  1226: ["unavailable", CONNECTIONS_REMEDY],
  // Locks and deadlocks.
  1205: ["unavailable", ""],
  1213: ["unavailable", ""],
  // Shutting down, killed, interrupted.
  1053: ["unavailable", ""],
  1077: ["unavailable", ""],
  1079: ["unavailable", ""],
  1317: ["unavailable", ""],
  1927: ["unavailable", ""],
  3024: ["unavailable", ""],
  // Galera and group replication: the node is not ready.
  1047: ["unavailable", ""],
  3098: ["unavailable", ""],
  3101: ["unavailable", ""],
};

const READ_ONLY = new Set([1290, 1792, 1836, 8143]);
const CONNECTION_ENDED = new Set([1053, 1077, 1079, 1152, 1158, 1159, 1160, 1161, 1184, 1927]);
/** Transactions that were rolled back for another's sake: deadlock, TiDB's write conflicts and retries. */
const DEADLOCKS = new Set([1213, 3101, 8002, 8022, 8028, 9007]);
/** TiDB gives up on a statement that found its rows changed 256 times, with a number that says nothing. */
const TIDB_UNKNOWN = 1105;
const RETRIES_USED_UP = /pessimistic lock retry limit reached/;
/** TiDB's storage or its clock does not answer. */
const TIDB_UNAVAILABLE: readonly [least: number, most: number] = [9_001, 9_013];
/** TiDB does not know itself what became of the commit. */
const UNDETERMINED = 8501;
const LOCK_WAIT_TIMEOUT = 1205;
const DUPLICATE = 1062;
const NOT_NULL = 1048;

const NETWORK =
  /^(E[A-Z_]+|PROTOCOL_CONNECTION_LOST|PROTOCOL_SEQUENCE_TIMEOUT|ERR_SOCKET_CLOSED|ERR_STREAM_\w+)$/;
const TLS = /^(ERR_TLS_|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_|ERR_SSL_|ERR_OSSL_|HANDSHAKE_(NO_)?SSL)/;
/** mysql2 gives a connection that is lost while TLS begins the same code as a certificate that does not fit. */
const INTERRUPTED = /ECONNRESET|EPIPE|ETIMEDOUT|socket hang up|disconnected before/;

/** Gives what mysql2 throws a code, and a sentence. */
export function storageError(error: unknown, where: string, during: "commit" | "other"): StorageError {
  if (error instanceof StorageError) return error;
  if (error instanceof NotConnected) {
    if (error.cause === undefined) return problem("unavailable", where, error);
    const inner = storageError(error.cause, where, "other");
    return inner.code === "internal" ? problem("unavailable", where, error) : inner;
  }
  const number = answered(error);
  if (number !== undefined) return answeredError(error, number, where, during);
  const code = codeOf(error);
  if (TLS.test(code) && !INTERRUPTED.test(textOf(error)))
    return problem("misconfigured", where, error, "check tls-ca, tls-cert, tls-key and tls-server-name");
  if (isConnectionError(error, code))
    return problem(during === "commit" ? "uncertain" : "unavailable", where, error);
  return problem("internal", where, error);
}

/** Whether another server may be the right one by now, so that connections are to be made anew. */
export function isReadOnly(error: unknown): boolean {
  return READ_ONLY.has(answered(error) ?? 0);
}

export function isDeadlock(error: unknown): boolean {
  const number = answered(error) ?? 0;
  return DEADLOCKS.has(number) || (number === TIDB_UNKNOWN && RETRIES_USED_UP.test(textOf(error)));
}

export function isLockTimeout(error: unknown): boolean {
  return answered(error) === LOCK_WAIT_TIMEOUT;
}

/**
 * Whether the compare-and-set has failed: the sequence is there already, or its base is not. TiDB, which checks all of
 * an optimistic transaction at its end, may find another duplicate first.
 */
export function isRefused(error: unknown, { head }: Commit): boolean {
  const text = error instanceof Error ? error.message : "";
  return (
    answered(error) === NOT_NULL || (isDuplicate(error) && text.includes(`entry '${head.sequence}' for`))
  );
}

export function isDuplicate(error: unknown): boolean {
  return answered(error) === DUPLICATE;
}

function answeredError(
  error: unknown,
  number: number,
  where: string,
  during: "commit" | "other",
): StorageError {
  // The server says that the connection ends, not what became of what was sent.
  if (during === "commit" && (CONNECTION_ENDED.has(number) || number === UNDETERMINED))
    return problem("uncertain", where, error);
  const [code, remedy] = CODES[number] ?? [isDeadlock(error) ? "unavailable" : tidbCode(number), ""];
  return problem(code, where, error, remedy);
}

function tidbCode(number: number): StorageErrorCode {
  const [least, most] = TIDB_UNAVAILABLE;
  if (CONNECTION_ENDED.has(number)) return "unavailable";
  return number >= least && number <= most ? "unavailable" : "internal";
}

/** The number of an error that the server answered with. */
function answered(error: unknown): number | undefined {
  if (!(error instanceof Error && "errno" in error && "sqlState" in error)) return undefined;
  return typeof error.errno === "number" && error.errno > 0 ? error.errno : undefined;
}

function isConnectionError(error: unknown, code: string): boolean {
  if (error instanceof ConnectionDropped || NETWORK.test(code)) return true;
  const text = textOf(error);
  if (INTERRUPTED.test(text)) return true;
  return /closed state|connection is (closed|closing)|connection was lost/i.test(text);
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}

function problem(code: StorageErrorCode, where: string, cause: unknown, remedy = ""): StorageError {
  const text = textOf(cause);
  return new StorageError(code, `${where}: ${text}${remedy && `: ${remedy}`}`, { cause });
}
