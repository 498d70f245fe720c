/** The streams of one connection, and the states that they can be in. */
import type { CallHost } from "../call/call.js";
import { refusalFields } from "../call/response-fields.js";
import { canceled, type StatusError } from "../call/status.js";
import type { HeaderBlock } from "../framing/header-blocks.js";
import type { Output } from "../framing/output.js";
import {
  ConnectionError,
  ErrorCode,
  INITIAL_WINDOW_BYTES,
  STREAM_ID_MAX,
  StreamError,
  WINDOW_BYTES_MAX,
} from "../framing/protocol.js";
import type { Options } from "../options.js";
import type { Router } from "../router.js";
import type { OtherHandler, Peer } from "../service.js";
import type { Exchange } from "./exchange.js";
import { Intake } from "./intake.js";
import { type Refusal, RequestHead } from "./request-head.js";
import { ResetStreams } from "./reset-streams.js";
import type { Sender } from "./sender.js";

export class Streams implements CallHost {
  /** The highest that the client has opened. */
  lastId = 0;
  /** Above it nothing is served any more. */
  acceptUpTo = STREAM_ID_MAX;

  private readonly intake: Intake;
  private readonly exchanges = new Map<number, Exchange>();
  private readonly resets: ResetStreams;
  private initialWindow = INITIAL_WINDOW_BYTES;
  private runningHandlers = 0;
  private bufferedBytes = 0;
  /** The one whose DATA frame is being read. */
  private current: Exchange | undefined;

  constructor(
    readonly options: Options,
    readonly sender: Sender,
    readonly peer: Peer,
    router: Router,
    private readonly output: Output,
    private readonly onIdle: () => void,
    onOther: OtherHandler | undefined,
  ) {
    this.intake = new Intake(router, options.maxHeaderListBytes, onOther);
    this.resets = new ResetStreams(options);
  }

  get size(): number {
    return this.exchanges.size;
  }

  // What the client sends

  headers(block: HeaderBlock): void {
    const { streamId, endStream } = block;
    const exchange = this.exchanges.get(streamId);
    if (exchange !== undefined) {
      this.trailers(exchange, block);
    } else if (streamId > this.lastId && streamId % 2 === 1) {
      this.lastId = streamId;
      const head = this.intake.head(block);
      if (block.error !== undefined) throw block.error;
      if (head === undefined) throw new StreamError(streamId, ErrorCode.protocolError, "malformed request");
      this.open(streamId, head, endStream);
    } else if (this.resets.has(streamId)) {
      this.intake.trailers(block);
    } else {
      // Which of the lower ones were ever open is not remembered, but the last one was.
      const code = streamId === this.lastId ? ErrorCode.streamClosed : ErrorCode.protocolError;
      throw new ConnectionError(code, `HEADERS on stream ${streamId} after ${this.lastId}`);
    }
  }

  dataStart(streamId: number, length: number): void {
    this.current = undefined;
    const exchange = this.known(streamId);
    if (exchange === undefined) {
      if (this.resets.has(streamId)) return;
      throw new StreamError(streamId, ErrorCode.streamClosed, "DATA on a closed stream");
    }
    if (exchange.isHalfClosed) {
      throw new StreamError(streamId, ErrorCode.streamClosed, "DATA after the end of the stream");
    }
    if (!exchange.dataStart(length)) {
      throw new StreamError(streamId, ErrorCode.flowControlError, "more DATA than the stream's window");
    }
    this.current = exchange;
  }

  data(bytes: Buffer, start: number, end: number): void {
    this.current?.data(bytes, start, end);
  }

  dataEnd(endStream: boolean): void {
    const { current } = this;
    this.current = undefined;
    if (endStream) current?.endReceived();
  }

  reset(streamId: number): void {
    const exchange = this.known(streamId);
    if (exchange === undefined) return;
    this.resets.count();
    this.forget(exchange);
    exchange.abort(canceled());
  }

  windowUpdate(streamId: number, increment: number): void {
    const outgoing = this.known(streamId)?.outgoing;
    if (increment === 0) throw new StreamError(streamId, ErrorCode.protocolError, "WINDOW_UPDATE of 0");
    if (outgoing === undefined) return;
    if (outgoing.window + increment > WINDOW_BYTES_MAX) {
      throw new StreamError(streamId, ErrorCode.flowControlError, "window of the stream too large");
    }
    outgoing.window += increment;
    this.sender.wake(outgoing);
    this.sender.pump();
  }

  /** False if nothing has changed. */
  setInitialWindow(bytes: number): boolean {
    const change = bytes - this.initialWindow;
    if (change === 0) return false;
    this.initialWindow = bytes;
    for (const { outgoing } of this.exchanges.values()) {
      if (outgoing.window + change > WINDOW_BYTES_MAX) {
        throw new ConnectionError(ErrorCode.flowControlError, "window of a stream too large");
      }
      outgoing.window += change;
      this.sender.wake(outgoing);
    }
    this.sender.pump();
    return true;
  }

  /** A stream is in error: it is reset, and the connection lives on. */
  failed({ streamId, code, message }: StreamError): void {
    this.resets.count();
    const exchange = this.exchanges.get(streamId);
    if (exchange === this.current) this.current = undefined;
    exchange?.abort(canceled(message));
    this.sender.reset(streamId, code);
    this.resets.add(streamId);
    if (exchange !== undefined) this.forget(exchange);
  }

  // What calls ask for

  credit(streamId: number, bytes: number): void {
    this.output.windowUpdate(streamId, bytes);
  }

  buffer(bytes: number): boolean {
    this.bufferedBytes += bytes;
    return this.bufferedBytes <= this.options.maxBufferedRequestBytes;
  }

  handlerStarted(): void {
    this.runningHandlers += 1;
  }

  handlerEnded(): void {
    this.runningHandlers -= 1;
  }

  exchangeOver(exchange: Exchange, resetWith?: ErrorCode): void {
    if (resetWith !== undefined) {
      this.sender.reset(exchange.id, resetWith);
      this.resets.add(exchange.id);
    }
    this.forget(exchange);
  }

  // From outside

  /** The connection is gone. */
  abortAll(reason: Error): void {
    const all = [...this.exchanges.values()];
    this.exchanges.clear();
    this.current = undefined;
    for (const exchange of all) exchange.abort(reason);
  }

  terminateAll(reason: StatusError): void {
    for (const exchange of [...this.exchanges.values()]) exchange.terminate(reason);
  }

  tick(ms: number): void {
    this.resets.pass(ms);
    for (const exchange of this.exchanges.values()) exchange.tick(ms);
  }

  private open(streamId: number, head: RequestHead | Refusal, endStream: boolean): void {
    if (streamId > this.acceptUpTo || this.isBusy) {
      this.sender.reset(streamId, ErrorCode.refusedStream);
      this.resets.add(streamId);
      return;
    }
    const exchange =
      head instanceof RequestHead ? this.intake.exchange(this, streamId, head, this.initialWindow) : head;
    if ("httpStatus" in exchange) {
      this.refuse(streamId, exchange, endStream);
      return;
    }
    this.exchanges.set(streamId, exchange);
    exchange.start();
    if (endStream && this.exchanges.has(streamId)) exchange.endReceived();
  }

  private refuse(streamId: number, refusal: Refusal, endStream: boolean): void {
    this.sender.headers(streamId, refusalFields(refusal), true);
    if (endStream) return;
    this.sender.reset(streamId, ErrorCode.noError);
    this.resets.add(streamId);
  }

  private trailers(exchange: Exchange, block: HeaderBlock): void {
    const { streamId, endStream, error } = block;
    const isValid = this.intake.trailers(block);
    if (error !== undefined) throw error;
    if (exchange.isHalfClosed) {
      throw new StreamError(streamId, ErrorCode.streamClosed, "HEADERS after the end of the stream");
    }
    if (!endStream || !isValid)
      throw new StreamError(streamId, ErrorCode.protocolError, "malformed trailers");
    exchange.endReceived();
  }

  /** The stream's exchange; undefined if it is over, an error if it never began. */
  private known(streamId: number): Exchange | undefined {
    const exchange = this.exchanges.get(streamId);
    if (exchange === undefined && (streamId > this.lastId || streamId % 2 === 0)) {
      throw new ConnectionError(ErrorCode.protocolError, `frame on idle stream ${streamId}`);
    }
    return exchange;
  }

  private get isBusy(): boolean {
    const { maxConcurrentStreams, maxUnreadResponseBytes } = this.options;
    return (
      this.exchanges.size >= maxConcurrentStreams ||
      this.runningHandlers >= maxConcurrentStreams ||
      this.sender.queuedBytes > maxUnreadResponseBytes
    );
  }

  private forget(exchange: Exchange): void {
    if (this.exchanges.delete(exchange.id) && this.exchanges.size === 0) this.onIdle();
  }
}
