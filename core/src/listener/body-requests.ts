import type { IncomingMessage } from "node:http";
import { JsonValues } from "../codec/index.js";
import { Code, StatusError } from "../errors.js";
import { DONE, RequestReader } from "./request-reader.js";

export interface BodyRequestsOptions<T> {
  /** Makes a request of the JSON text of one. */
  readonly decode: (value: Buffer) => T;
  readonly maxValueBytes: number;
  readonly tooLarge: (bytes: number) => Error;
  /** Called when the body ended, or stopped being JSON, before it held a single request. */
  readonly onNone: (reason: StatusError) => void;
}

/**
 * The requests in a body, JSON values one after the other, as they come. A value that cannot be read ends
 * them, as in etcd: whether the call goes on without requests is the handler's to know.
 */
export class BodyRequests<T> extends RequestReader<T> {
  private readonly values: JsonValues;
  private chunk: Iterator<Buffer> | undefined;
  private started = false;
  private bodyOver = false;
  private ended = false;
  private taken = 0;

  constructor(
    private readonly request: IncomingMessage,
    private readonly options: BodyRequestsOptions<T>,
  ) {
    super();
    this.values = new JsonValues(options.maxValueBytes, options.tooLarge);
  }

  protected override poll(): IteratorResult<T, undefined> | undefined {
    this.start();
    for (;;) {
      const value = this.nextValue();
      if (value !== undefined) {
        return { done: false, value };
      }
      if (this.ended) {
        return DONE;
      }
      if (!this.bodyOver) {
        this.request.resume();
        return undefined;
      }
      this.end();
    }
  }

  private start(): void {
    if (this.started) {
      return;
    }
    this.started = true;
    this.request.on("data", (chunk: Buffer) => {
      if (!this.ended) {
        this.request.pause();
        this.chunk = this.values.push(chunk);
        this.wake();
      }
    });
    // Comes even while paused, when the last bytes were read.
    this.request.once("end", () => {
      this.bodyOver = true;
      this.wake();
    });
  }

  /** The next value of the bytes at hand. */
  private nextValue(): T | undefined {
    try {
      const next = this.chunk?.next();
      if (next !== undefined && !next.done) {
        const value = this.options.decode(next.value);
        this.taken += 1;
        return value;
      }
      this.chunk = undefined;
    } catch (error) {
      this.stop(error);
    }
    return undefined;
  }

  private end(): void {
    try {
      const last = this.values.end();
      if (last !== undefined) {
        this.chunk = [last].values();
      } else {
        this.stop(new StatusError(Code.invalidArgument, "the request's body holds no JSON object"));
      }
    } catch (error) {
      this.stop(error);
    }
  }

  /** Takes no more requests, for a reason that is told to a client which has sent none. */
  private stop(reason: unknown): void {
    if (!(reason instanceof StatusError) || reason.code !== Code.invalidArgument) {
      throw reason;
    }
    this.chunk = undefined;
    this.ended = true;
    this.request.resume();
    if (this.taken === 0) {
      this.options.onNone(reason);
    }
  }
}

/** The one request of a call that takes no more. */
export class SingleRequest<T> extends RequestReader<T> {
  private value: IteratorResult<T, undefined>;

  constructor(value: T) {
    super();
    this.value = { done: false, value };
  }

  protected override poll(): IteratorResult<T, undefined> {
    const { value } = this;
    this.value = DONE;
    return value;
  }
}
