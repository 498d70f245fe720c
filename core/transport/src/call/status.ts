/** gRPC's status codes, and errors that carry one. */

export const Code = {
  ok: 0,
  canceled: 1,
  unknown: 2,
  invalidArgument: 3,
  deadlineExceeded: 4,
  notFound: 5,
  alreadyExists: 6,
  permissionDenied: 7,
  resourceExhausted: 8,
  failedPrecondition: 9,
  aborted: 10,
  outOfRange: 11,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
  dataLoss: 15,
  unauthenticated: 16,
} as const;

export interface Status {
  readonly code: number;
  readonly message: string;
}

export const OK: Status = { code: Code.ok, message: "" };

/** What a handler throws to answer with a status, and the reason of a call's signal when it is aborted. */
export class StatusError extends Error implements Status {
  override readonly name = "StatusError";

  constructor(
    readonly code: number,
    message: string,
    options?: { cause?: unknown },
  ) {
    super(message, options);
  }
}

export const canceled = (why = "context canceled") => new StatusError(Code.canceled, why);
export const deadlineExceeded = () => new StatusError(Code.deadlineExceeded, "context deadline exceeded");
export const serverStopped = () => new StatusError(Code.unavailable, "the server is stopping");
