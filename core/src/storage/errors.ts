/**
 * What can go wrong below the seam. A plugin maps its driver's errors to these in one file; everything
 * else that it throws counts as `internal`.
 *
 * | code | meaning | what the core does |
 * |---|---|---|
 * | conflict | the head is no longer the commit's base | reads what came, evaluates again, commits again |
 * | compacted | the revision asked for is below the compacted one | etcd's error to the client |
 * | future | the revision asked for is above the head | etcd's error to the client |
 * | unavailable | the backend can't be reached or refuses; nothing was changed | retries with backoff until the request's time is over |
 * | uncertain | a commit was sent and its outcome is unknown | commits it again under the same id, then compares ids |
 * | full | the backend has no space left; nothing was changed | raises etcd's NOSPACE |
 * | corrupt | the stored data contradicts itself | refuses writes, reports |
 * | misconfigured | options or rights are wrong; `message` says what to write instead | ends the program at start |
 * | closed | the storage was closed | fails the request |
 * | internal | a fault of the plugin | fails the request, logs the cause |
 */
export type StorageErrorCode =
  | "conflict"
  | "compacted"
  | "future"
  | "unavailable"
  | "uncertain"
  | "full"
  | "corrupt"
  | "misconfigured"
  | "closed"
  | "internal";

export class StorageError extends Error {
  override readonly name = "StorageError";

  constructor(
    readonly code: StorageErrorCode,
    message: string,
    options?: { cause?: unknown },
  ) {
    super(message, options);
  }
}

/** `error` as a StorageError: itself, or an `internal` one that keeps it as its cause. */
export function asStorageError(error: unknown): StorageError {
  if (error instanceof StorageError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new StorageError("internal", message, { cause: error });
}

export function isStorageError(error: unknown, code: StorageErrorCode): boolean {
  return error instanceof StorageError && error.code === code;
}
