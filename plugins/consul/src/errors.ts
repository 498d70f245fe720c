import { StorageError, type StorageErrorCode } from "@etcd-adapter/core/storage";

/** What the HTTP client's errors carry, beside what Node gives them. */
interface ClientError extends Error {
  readonly code?: string;
  readonly isTimeout?: boolean;
  readonly isResponse?: boolean;
  readonly response?: { readonly statusCode: number; readonly body?: unknown };
}

/** Whether a lost answer can matter: only an append must not be done twice. */
export type Purpose = "append" | "repeatable";

const neverConnected = new Set([
  "ECONNREFUSED",
  "EHOSTDOWN",
  "EHOSTUNREACH",
  "ENETDOWN",
  "ENETUNREACH",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EADDRNOTAVAIL",
]);

/** Texts with which a server refuses before it hands the write to its log, or to the leader. */
const nothingDone =
  /No cluster leader|node is not the leader|leader not found|No known Consul servers|leadership transfer in progress|failed to get conn|rate limit|Try again later/i;

const noSpace = /no space left on device|disk quota exceeded/i;

/** Connections that were never made: another address may be asked at once, even for an append. */
export function wasNeverSent(error: unknown): boolean {
  const { code = "" } = error as ClientError;
  return neverConnected.has(code) || isTlsFailure(code);
}

/** Whether another address is worth a try for the calls to come. */
export function isServersFault(error: unknown): boolean {
  const { response } = error as ClientError;
  return response === undefined || response.statusCode >= 500;
}

export function fromConsul(error: unknown, purpose: Purpose): StorageError {
  if (error instanceof StorageError) return error;
  const failure = error as ClientError;
  if (failure.response) return fromResponse(failure, failure.response.statusCode, purpose);
  if (wasNeverSent(error)) return new StorageError("unavailable", failure.message, { cause: error });
  if (failure.code !== undefined || failure.isTimeout) return lost(failure.message, error, purpose);
  return new StorageError("internal", failure.message ?? String(error), { cause: error });
}

function fromResponse(error: ClientError, status: number, purpose: Purpose): StorageError {
  const text = responseText(error);
  const as = (code: StorageErrorCode) =>
    new StorageError(code, `Consul answered ${status}: ${text}`, { cause: error });
  if (status === 413)
    return new StorageError(
      "internal",
      `Consul refuses a value of this size: set max-value-bytes to its kv_max_value_size (${text})`,
      { cause: error },
    );
  // 429 and 503 are Consul's rate limits, 401 and 403 its rights: each is decided before the write
  if ([401, 403, 429, 503].includes(status) || nothingDone.test(text)) return as("unavailable");
  if (noSpace.test(text)) return as("full");
  if (status >= 500) return lost(`Consul answered ${status}: ${text}`, error, purpose);
  return as("internal");
}

function lost(message: string, cause: unknown, purpose: Purpose): StorageError {
  return new StorageError(purpose === "append" ? "uncertain" : "unavailable", message, { cause });
}

/** An operation of a transaction that was refused for want of rights, which Consul reports beside conflicts. */
export function permissionDenied(what: string): StorageError {
  return new StorageError("unavailable", what, { cause: Object.assign(new Error(what), { denied: true }) });
}

/**
 * What only a person can repair ends the program at its start. Later the same failure counts as
 * `unavailable`: a token may be granted its rights again, or a certificate be renewed, without a restart.
 */
export function whenOpening(error: unknown): StorageError {
  const storageError = fromConsul(error, "repeatable");
  const cause = storageError.cause as (ClientError & { denied?: boolean }) | undefined;
  const status = cause?.response?.statusCode;
  if (cause?.denied || status === 401 || status === 403)
    return misconfigured(
      `Consul denies access: give a token that may read and write the prefix (${storageError.message})`,
      cause,
    );
  if (isTlsFailure(cause?.code ?? ""))
    return misconfigured(
      `TLS to Consul fails: check https, ca-file and server-name (${storageError.message})`,
      cause,
    );
  if (status === 400 || /No path to datacenter/i.test(storageError.message))
    return misconfigured(storageError.message, cause);
  return storageError;
}

function misconfigured(message: string, cause: unknown): StorageError {
  return new StorageError("misconfigured", message, { cause });
}

function isTlsFailure(code: string): boolean {
  return /^(ERR_TLS_|ERR_SSL_|CERT_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|EPROTO$)/.test(code);
}

function responseText(error: ClientError): string {
  const body = error.response?.body;
  const text = Buffer.isBuffer(body) ? body.toString() : typeof body === "string" ? body : "";
  return (text || error.message).trim().slice(0, 300);
}
