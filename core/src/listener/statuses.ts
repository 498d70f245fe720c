import type { Logger } from "pino";
import { Code, type Status, statusOf } from "../errors.js";
import { type CallEnd, SERVER_STOPPED } from "./call.js";

const INTERNAL: Status = { code: Code.unknown, message: "internal error, see the server's log" };

/** What the client is told of an error; one that is none of its business goes to the log instead. */
export class Statuses {
  constructor(private readonly logger: Logger) {}

  of(error: unknown, method: string, end?: CallEnd): Status {
    const status = statusOf(error);
    if (status !== undefined) {
      return status;
    }
    const reason = end?.reason;
    if (reason !== undefined && isAbort(error)) {
      return statusOf(reason) ?? INTERNAL;
    }
    this.logger.error({ err: error, method }, "call failed");
    return INTERNAL;
  }

  /**
   * How a stream is over: undefined is OK. One that the server ended is told so, whatever its handler made of
   * that: on any other status clients give up instead of going on elsewhere.
   */
  ofStream(error: unknown, method: string, end: CallEnd): Status | undefined {
    const status = error === undefined ? undefined : this.of(error, method, end);
    const isEndOfAll =
      end.reason === SERVER_STOPPED && (status === undefined || status.code === Code.canceled);
    return isEndOfAll ? statusOf(SERVER_STOPPED) : status;
  }
}

function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === "AbortError";
}
