import { StorageError, type StorageErrorCode } from "@etcd-adapter/core/storage";

/** ZooKeeper's error codes, of which the client library knows only some. */
export const Code = {
  CONNECTION_LOSS: -4,
  OPERATION_TIMEOUT: -7,
  NO_NODE: -101,
  NO_AUTH: -102,
  BAD_VERSION: -103,
  NODE_EXISTS: -110,
  NOT_EMPTY: -111,
  SESSION_EXPIRED: -112,
  INVALID_ACL: -114,
  AUTH_FAILED: -115,
  SESSION_MOVED: -118,
  REQUEST_TIMEOUT: -122,
  QUOTA_EXCEEDED: -125,
  THROTTLED: -127,
} as const;

/** Whether a lost answer can matter: only an append must not be done twice. */
export type Purpose = "append" | "repeatable";

/** The connection ended before the answer came. */
export class ConnectionLost extends Error {
  constructor(
    message: string,
    /** Whether the request may have reached the server. */
    readonly sent: boolean,
    options?: { cause?: unknown },
  ) {
    super(message, options);
  }
}

/** An error code that the client library has no exception for. */
export class UnknownCode extends Error {
  constructor(readonly code: number) {
    super(`ZooKeeper answered with error ${code}`);
  }
}

export function codeOf(error: unknown): number | undefined {
  const { code } = error as { code?: unknown };
  return typeof code === "number" ? code : undefined;
}

export function fromZooKeeper(error: unknown, purpose: Purpose): StorageError {
  if (error instanceof StorageError) return error;
  const message = error instanceof Error ? error.message : String(error);
  const as = (code: StorageErrorCode, text = message) => new StorageError(code, text, { cause: error });
  const lost = () => as(purpose === "append" ? "uncertain" : "unavailable");
  if (error instanceof ConnectionLost) return error.sent ? lost() : as("unavailable");
  switch (codeOf(error)) {
    case Code.CONNECTION_LOSS:
    case Code.OPERATION_TIMEOUT:
    case Code.REQUEST_TIMEOUT:
      return lost();
    // the server refuses these before it proposes anything
    case Code.SESSION_EXPIRED:
    case Code.SESSION_MOVED:
    case Code.THROTTLED:
      return as("unavailable");
    case Code.NO_AUTH:
    case Code.AUTH_FAILED:
      return as("unavailable", `ZooKeeper denies access: ${message}`);
    case Code.QUOTA_EXCEEDED:
      return as("full", "ZooKeeper's quota for the chroot is used up");
    default:
      return as("internal");
  }
}

/**
 * What only a person can repair ends the program at its start. Later the same failure counts as
 * `unavailable`: rights may be granted again without a restart.
 */
export function whenOpening(error: unknown, chroot: string): StorageError {
  const storageError = fromZooKeeper(error, "repeatable");
  const code = codeOf(storageError.cause);
  if (code === Code.NO_AUTH || code === Code.AUTH_FAILED || code === Code.INVALID_ACL)
    return new StorageError(
      "misconfigured",
      `ZooKeeper denies access to ${chroot}: give the auth or auth-file of a user with all rights on it`,
      { cause: storageError },
    );
  return storageError;
}
