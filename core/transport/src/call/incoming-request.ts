/** The receiving half of a call: from DATA frames to requests, with the credit that the client gets for them. */

import { ErrorCode, StreamError } from "../framing/protocol.js";
import type { Options } from "../options.js";
import type { RequestHead } from "../stream/request-head.js";
import { ReceiveWindow } from "../stream/windows.js";
import { decompress } from "./compression.js";
import { MessageReader } from "./message-reader.js";
import { RequestQueue } from "./request-queue.js";
import { Code, StatusError } from "./status.js";

export interface RequestHost {
  readonly options: Options;
  /** Gives the client credit to send on that stream. */
  credit(streamId: number, bytes: number): void;
  /** Books what requests cost that wait for a handler; false if they are too many. */
  buffer(bytes: number): boolean;
}

/** How many messages the method takes: one at its end, one, or many; `raw` takes bytes that are no messages. */
export type Shape = "unary" | "one" | "many" | "raw";

export class IncomingRequest {
  /** The client has ended its half. */
  isEnded = false;
  /** Messages that came. */
  count = 0;
  bodyBytes = 0;

  /** The message of a unary call. */
  private only: Buffer | undefined;
  private readonly window: ReceiveWindow;
  private readonly reader: MessageReader;
  private lazyQueue: RequestQueue | undefined;
  private isClosed = false;
  private failure: Error | undefined;
  /** Credit that is held back until the handler takes requests. */
  private withheldBytes = 0;
  private bookedBytes = 0;

  constructor(
    private readonly host: RequestHost,
    private readonly id: number,
    private readonly head: RequestHead,
    private readonly shape: Shape,
  ) {
    this.window = new ReceiveWindow(host.options.streamWindowBytes);
    this.reader = new MessageReader(this, host.options.maxReceiveBytes);
  }

  get queue(): RequestQueue {
    if (this.lazyQueue === undefined) {
      this.lazyQueue = new RequestQueue((cost) => this.taken(cost));
      if (this.failure !== undefined) this.lazyQueue.fail(this.failure);
    }
    return this.lazyQueue;
  }

  /** Whether the last message is not complete. */
  get isTorn(): boolean {
    return this.reader.pendingBytes > 0;
  }

  /** A DATA frame of `length` bytes, padding included; false if the client had no window for it. */
  dataStart(length: number): boolean {
    if (!this.window.receive(length)) return false;
    const isHeld =
      this.lazyQueue !== undefined && this.lazyQueue.bytes >= this.host.options.streamWindowBytes;
    if (isHeld) this.withheldBytes += length;
    else this.release(length);
    return true;
  }

  data(bytes: Buffer, start: number, end: number): void {
    this.bodyBytes += end - start;
    const { contentLength } = this.head;
    if (contentLength !== undefined && this.bodyBytes > contentLength) this.failLength();
    if (this.isClosed) return;
    if (this.shape === "raw") {
      this.book(this.queue.push(bytes.subarray(start, end)));
      return;
    }
    const before = this.reader.pendingBytes;
    this.reader.read(bytes, start, end);
    this.book(this.reader.pendingBytes - before);
  }

  message(flag: number, bytes: Buffer): void {
    if (this.isClosed) return;
    const message = decompress(flag, bytes, this.head.encoding, this.host.options.maxReceiveBytes);
    this.count += 1;
    if (this.shape !== "many" && this.count > 1) {
      const text = "cardinality violation: received multiple request messages for non-client-streaming RPC";
      throw new StatusError(Code.internal, text);
    }
    if (this.shape === "unary") {
      this.only = message;
      this.book(message.length);
    } else {
      this.book(this.queue.push(message));
    }
  }

  end(): void {
    this.isEnded = true;
    const { contentLength } = this.head;
    if (contentLength !== undefined && contentLength !== this.bodyBytes) this.failLength();
  }

  /** The message of a unary call, for its handler. */
  take(): Buffer | undefined {
    const message = this.only;
    this.only = undefined;
    this.unbook(this.bookedBytes);
    return message;
  }

  /** Nobody takes requests any more; what is still on the way is thrown away. */
  close(reason: Error | undefined): void {
    this.isClosed = true;
    this.only = undefined;
    this.failure = reason;
    if (reason !== undefined) this.lazyQueue?.fail(reason);
    this.unbook(this.bookedBytes);
  }

  private taken(cost: number): void {
    this.unbook(cost);
    if (this.withheldBytes > 0 && this.queue.bytes < this.host.options.streamWindowBytes) {
      const bytes = this.withheldBytes;
      this.withheldBytes = 0;
      this.release(bytes);
    }
  }

  private release(bytes: number): void {
    if (this.isEnded) return;
    const increment = this.window.release(bytes);
    if (increment > 0) this.host.credit(this.id, increment);
  }

  private book(bytes: number): void {
    if (bytes === 0) return;
    this.bookedBytes += bytes;
    if (!this.host.buffer(bytes) && bytes > 0) {
      throw new StatusError(Code.resourceExhausted, "too many requests of this connection wait");
    }
  }

  private unbook(bytes: number): void {
    const released = Math.min(bytes, this.bookedBytes);
    this.bookedBytes -= released;
    if (released > 0) this.host.buffer(-released);
  }

  private failLength(): never {
    throw new StreamError(this.id, ErrorCode.protocolError, "content-length is not the body's length");
  }
}
