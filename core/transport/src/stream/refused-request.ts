import { refusalFields } from "../call/response-fields.js";
import { ErrorCode, StreamError } from "../framing/protocol.js";
import type { Exchange, ExchangeHost } from "./exchange.js";
import { OutgoingStream } from "./outgoing-stream.js";
import type { Refusal, RequestHead } from "./request-head.js";
import { ReceiveWindow } from "./windows.js";

/** So much of a body is waited for: clients that are no gRPC clients read the answer only behind it. */
const AWAITED_BODY_BYTES = 65_536;

/** A request that is not gRPC, on its way to being told so. */
export class RefusedRequest implements Exchange {
  /** Sends no DATA, but the client may err about its window all the same. */
  readonly outgoing: OutgoingStream;
  isHalfClosed = false;
  private readonly window: ReceiveWindow;
  private bodyBytes = 0;
  private waitedMs = 0;
  private isAnswered = false;

  constructor(
    private readonly host: ExchangeHost,
    readonly id: number,
    private readonly head: RequestHead,
    private readonly refusal: Refusal,
    sendWindow: number,
  ) {
    this.outgoing = new OutgoingStream(id, sendWindow, this);
    this.window = new ReceiveWindow(host.options.streamWindowBytes);
  }

  start(): void {}

  dataStart(length: number): boolean {
    if (!this.window.receive(length)) return false;
    const increment = this.window.release(length);
    if (increment > 0) this.host.credit(this.id, increment);
    return true;
  }

  data(_bytes: Buffer, start: number, end: number): void {
    this.bodyBytes += end - start;
    if (this.bodyBytes > (this.head.contentLength ?? Number.POSITIVE_INFINITY)) this.failLength();
    if (this.bodyBytes > AWAITED_BODY_BYTES) this.answer();
  }

  endReceived(): void {
    this.isHalfClosed = true;
    if (this.bodyBytes !== (this.head.contentLength ?? this.bodyBytes)) this.failLength();
    this.answer();
  }

  abort(): void {
    this.isAnswered = true;
  }

  terminate(): void {
    this.answer();
  }

  tick(ms: number): void {
    this.waitedMs += ms;
    if (this.waitedMs > this.host.options.requestTimeoutMs) this.answer();
  }

  roomToSend(): void {}

  responseSent(): void {}

  private answer(): void {
    if (this.isAnswered) return;
    this.isAnswered = true;
    this.host.sender.headers(this.id, refusalFields(this.refusal), true);
    this.host.exchangeOver(this, this.isHalfClosed ? undefined : ErrorCode.noError);
  }

  private failLength(): never {
    throw new StreamError(this.id, ErrorCode.protocolError, "content-length is not the body's length");
  }
}
