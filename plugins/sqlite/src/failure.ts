/** An error that is known by its code, as it crosses from thread to thread: SQLite's, the system's or one of ours. */
export class Failure extends Error {
  constructor(
    readonly code: "CONFLICT" | "WORKER_DIED" | (string & {}),
    message: string,
    options?: { cause?: unknown },
  ) {
    super(message, options);
  }
}
