/** What the contexts of all transports share. */
import { Code, EtcdError, StatusError } from "../errors.js";

export const canceled = () => new StatusError(Code.canceled, "context canceled");
export const deadlineExceeded = () => new StatusError(Code.deadlineExceeded, "context deadline exceeded");

/** The reason of calls that the server ends by stopping. */
export const SERVER_STOPPED = new EtcdError("stopped");

/**
 * The end that a call meets from outside. Its signal is made when somebody looks at it: most calls are over
 * before anyone does, and a signal costs more than the rest of a context.
 */
export class CallEnd {
  /** Why the call was ended; undefined while nobody did. */
  reason: Error | undefined;
  private controller: AbortController | undefined;
  private listener: ((reason: Error) => void) | undefined;

  get signal(): AbortSignal {
    if (this.controller === undefined) {
      this.controller = new AbortController();
      if (this.reason !== undefined) {
        this.controller.abort(this.reason);
      }
    }
    return this.controller.signal;
  }

  /** The transport's own listener, told before the signal's. */
  onEnd(listener: (reason: Error) => void): void {
    this.listener = listener;
    if (this.reason !== undefined) {
      listener(this.reason);
    }
  }

  end(reason: Error): void {
    if (this.reason === undefined) {
      this.reason = reason;
      this.listener?.(reason);
      this.controller?.abort(reason);
    }
  }
}

/** The streams that are open: they last until somebody ends them. */
export class OpenStreams {
  private readonly ends = new Set<CallEnd>();
  private stopped = false;

  add(end: CallEnd): void {
    this.ends.add(end);
    if (this.stopped) {
      end.end(SERVER_STOPPED);
    }
  }

  delete(end: CallEnd): void {
    this.ends.delete(end);
  }

  /** Ends all streams, and those that still come. */
  stop(): void {
    this.stopped = true;
    for (const end of this.ends) {
      end.end(SERVER_STOPPED);
    }
  }
}
