/** One gRPC call, whatever its shape: what its handler sees, and what the connection tells it. */

import { ErrorCode, StreamError } from "../framing/protocol.js";
import type { CallContext, Message, Peer, StreamCall } from "../service.js";
import type { Exchange, ExchangeHost } from "../stream/exchange.js";
import { OutgoingStream } from "../stream/outgoing-stream.js";
import type { RequestHead } from "../stream/request-head.js";
import { Ending } from "./ending.js";
import { IncomingRequest, type Shape } from "./incoming-request.js";
import type { Metadata, MetadataInit } from "./metadata.js";
import { Response } from "./response.js";
import { Code, deadlineExceeded, type Status, StatusError } from "./status.js";

/** What a call needs of its connection. */
export interface CallHost extends ExchangeHost {
  readonly peer: Peer;
  handlerStarted(): void;
  handlerEnded(): void;
}

/** setTimeout's limit. */
const TIMER_MS_MAX = 2 ** 31 - 1;

export abstract class Call implements Exchange, CallContext, StreamCall {
  readonly deadline: number | undefined;
  readonly outgoing: OutgoingStream;
  readonly incoming: IncomingRequest;
  /** No more comes from the handler: it has answered, or the call was ended from outside. */
  isAnswered = false;

  protected readonly response: Response;
  private timer: NodeJS.Timeout | undefined;
  private lazyEnding: Ending | undefined;
  private drainListener: (() => void) | undefined;
  private awaitedMs = 0;

  constructor(
    private readonly host: CallHost,
    readonly id: number,
    private readonly head: RequestHead,
    private readonly shape: Shape,
    sendWindow: number,
  ) {
    this.outgoing = new OutgoingStream(id, sendWindow, this);
    this.incoming = new IncomingRequest(host, id, head, shape);
    this.deadline = head.timeoutMs === undefined ? undefined : Date.now() + head.timeoutMs;
    this.response = new Response(host.sender, this.outgoing, head, host.options.compressResponses);
  }

  // What handlers see

  get context(): CallContext {
    return this;
  }

  get path(): string {
    return this.head.path;
  }

  get authority(): string {
    return this.head.authority ?? "";
  }

  get metadata(): Metadata {
    return this.head.metadata;
  }

  get peer(): Peer {
    return this.host.peer;
  }

  get signal(): AbortSignal {
    return this.ending.signal;
  }

  get requests(): AsyncIterable<Buffer> {
    return this.incoming.queue;
  }

  sendHeaders(metadata: MetadataInit): void {
    if (!this.isAnswered) this.response.headers(metadata);
  }

  setTrailers(metadata: MetadataInit): void {
    this.response.setTrailers(metadata);
  }

  onAbort(listener: (reason: Error) => void): void {
    this.ending.onAbort(listener);
  }

  onDrain(listener: () => void): void {
    this.drainListener = listener;
  }

  send(message: Message): boolean {
    if (this.isAnswered) return false;
    const { outgoing } = this;
    this.response.message(message);
    if (outgoing.cost <= this.host.options.sendQueueBytes) return true;
    outgoing.isHolding = true;
    return false;
  }

  // What the connection tells

  start(): void {
    const { timeoutMs } = this.head;
    if (timeoutMs !== undefined && timeoutMs <= 0) {
      this.finish(deadlineExceeded());
      return;
    }
    if (timeoutMs !== undefined) {
      this.timer = setTimeout(expire, Math.min(timeoutMs, TIMER_MS_MAX), this);
    }
    this.begin();
  }

  dataStart(length: number): boolean {
    return this.incoming.dataStart(length);
  }

  data(bytes: Buffer, start: number, end: number): void {
    try {
      this.incoming.data(bytes, start, end);
    } catch (error) {
      if (error instanceof StreamError) throw error;
      this.fail(error);
    }
  }

  get isHalfClosed(): boolean {
    return this.incoming.isEnded;
  }

  /** The client has ended its half, with its last DATA frame or with trailers. */
  endReceived(): void {
    const { incoming } = this;
    incoming.end();
    if (this.isAnswered) return;
    if (incoming.isTorn) this.finish({ code: Code.internal, message: "unexpected EOF" });
    else this.requestsEnded();
  }

  /** The client, or the connection, is gone: there is nobody to tell. */
  abort(reason: Error): void {
    this.host.sender.drop(this.outgoing);
    if (!this.isAnswered) this.settle(reason);
  }

  /** Ends the call from outside, with a status if it can still be told. */
  terminate(reason: StatusError): void {
    if (this.isAnswered) return;
    if (this.outgoing.queuedBytes === 0) {
      this.finish(reason);
    } else {
      this.abort(reason);
      this.host.exchangeOver(this, ErrorCode.cancel);
    }
  }

  /** Called now and then, to find calls that get nowhere. */
  tick(ms: number): void {
    const { requestTimeoutMs, sendTimeoutMs } = this.host.options;
    if (this.isAnswered) {
      if (this.outgoing.stalled(ms) <= sendTimeoutMs) return;
      this.abort(new StatusError(Code.canceled, "the client does not read its answer"));
      this.host.exchangeOver(this, ErrorCode.cancel);
    } else if (this.isAwaited) {
      this.awaitedMs += ms;
      if (this.awaitedMs <= requestTimeoutMs) return;
      this.terminate(new StatusError(Code.deadlineExceeded, "the request did not come to its end in time"));
    }
  }

  /** A single request is still on its way. */
  private get isAwaited(): boolean {
    const { shape, incoming } = this;
    return !incoming.isEnded && (shape === "unary" || (shape === "one" && incoming.count === 0));
  }

  // What the sender tells

  roomToSend(): void {
    if (this.isAnswered) return;
    try {
      this.drainListener?.();
    } catch (error) {
      this.fail(error);
    }
  }

  responseSent(): void {
    this.host.exchangeOver(this, this.isHalfClosed ? undefined : ErrorCode.noError);
  }

  // Handlers

  /** The call has come, perhaps without a request yet. */
  protected abstract begin(): void;

  /** All requests have come. */
  protected abstract requestsEnded(): void;

  protected await<T>(result: Promise<T>, succeed: (value: T) => void): void {
    this.host.handlerStarted();
    result.then(
      (value) => {
        this.host.handlerEnded();
        succeed(value);
      },
      (error: unknown) => {
        this.host.handlerEnded();
        this.fail(error);
      },
    );
  }

  protected fail(error: unknown): void {
    this.finish(error instanceof StatusError ? error : this.host.options.statusOf(error, this.path));
  }

  /** Answers with a status, behind all messages that wait. */
  finish(status: Status): void {
    if (this.isAnswered) return;
    const isOk = status.code === Code.ok;
    if (isOk) this.response.beginOk();
    this.settle(isOk ? undefined : new StatusError(status.code, status.message));
    if (this.response.status(status)) this.responseSent();
  }

  private get ending(): Ending {
    this.lazyEnding ??= new Ending();
    return this.lazyEnding;
  }

  /** From here on nothing more comes in for the handler, and nothing more from it. */
  protected settle(failure?: Error): void {
    this.isAnswered = true;
    clearTimeout(this.timer);
    this.incoming.close(failure);
    if (failure !== undefined) this.ending.end(failure);
  }
}

function expire(call: Call): void {
  call.terminate(deadlineExceeded());
}
