/** A request that is not gRPC, for a program that serves others on the same connection. */

import { IncomingRequest } from "../call/incoming-request.js";
import type { Metadata } from "../call/metadata.js";
import { canceled } from "../call/status.js";
import { ErrorCode } from "../framing/protocol.js";
import { Field } from "../hpack/field.js";
import type { OtherHandler, OtherRequest, Peer } from "../service.js";
import type { Exchange, ExchangeHost } from "./exchange.js";
import { OutgoingStream } from "./outgoing-stream.js";
import type { RequestHead } from "./request-head.js";

/** Of HTTP/1.1 alone. */
const FORBIDDEN = new Set(["connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"]);

export class OtherExchange implements Exchange, OtherRequest {
  readonly outgoing: OutgoingStream;
  private readonly incoming: IncomingRequest;
  private headersSent = false;
  private isOver = false;
  private abortListener: (() => void) | undefined;
  private drainListener: (() => void) | undefined;

  constructor(
    private readonly host: ExchangeHost & { readonly peer: Peer },
    readonly id: number,
    private readonly head: RequestHead,
    private readonly handler: OtherHandler,
    sendWindow: number,
  ) {
    this.outgoing = new OutgoingStream(id, sendWindow, this);
    this.incoming = new IncomingRequest(host, id, head, "raw");
  }

  // What the program sees

  get method(): string {
    return this.head.method;
  }

  get path(): string {
    return this.head.path;
  }

  get authority(): string {
    return this.head.authority ?? "";
  }

  get headers(): Metadata {
    return this.head.metadata;
  }

  get peer(): Peer {
    return this.host.peer;
  }

  get body(): AsyncIterable<Buffer> {
    return this.incoming.queue;
  }

  onAbort(listener: () => void): void {
    this.abortListener = listener;
  }

  onDrain(listener: () => void): void {
    this.drainListener = listener;
  }

  respond(status: number, headers: Readonly<Record<string, string | number>>): void {
    if (this.isOver || this.headersSent) return;
    this.headersSent = true;
    const fields = [new Field(":status", String(status))];
    for (const [name, value] of Object.entries(headers)) {
      const lower = name.toLowerCase();
      if (!FORBIDDEN.has(lower)) fields.push(new Field(lower, String(value)));
    }
    this.host.sender.headers(this.id, fields, false);
  }

  write(bytes: Buffer): boolean {
    if (this.isOver) return false;
    if (bytes.length === 0) return true;
    this.respond(200, {});
    this.host.sender.raw(this.outgoing, bytes);
    if (this.outgoing.cost <= this.host.options.sendQueueBytes) return true;
    this.outgoing.isHolding = true;
    return false;
  }

  end(): void {
    if (this.isOver) return;
    this.respond(200, {});
    this.isOver = true;
    this.incoming.close(undefined);
    this.host.sender.trailers(this.outgoing, []);
  }

  // What the connection tells

  get isHalfClosed(): boolean {
    return this.incoming.isEnded;
  }

  start(): void {
    this.handler(this);
  }

  dataStart(length: number): boolean {
    return this.incoming.dataStart(length);
  }

  data(bytes: Buffer, start: number, end: number): void {
    this.incoming.data(bytes, start, end);
  }

  endReceived(): void {
    this.incoming.end();
    if (!this.isOver) this.incoming.queue.end();
  }

  abort(reason: Error): void {
    this.host.sender.drop(this.outgoing);
    if (this.isOver) return;
    this.isOver = true;
    this.incoming.close(reason);
    this.abortListener?.();
  }

  terminate(): void {
    if (this.isOver) return;
    this.abort(canceled());
    this.host.exchangeOver(this, ErrorCode.cancel);
  }

  tick(ms: number): void {
    if (!this.isOver || this.outgoing.stalled(ms) <= this.host.options.sendTimeoutMs) return;
    this.abort(canceled());
    this.host.exchangeOver(this, ErrorCode.cancel);
  }

  // What the sender tells

  roomToSend(): void {
    if (!this.isOver) this.drainListener?.();
  }

  responseSent(): void {
    this.host.exchangeOver(this, this.isHalfClosed ? undefined : ErrorCode.noError);
  }
}
