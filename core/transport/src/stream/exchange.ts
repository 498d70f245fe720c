/** One stream of a connection: a request and its response, whoever answers. */
import type { RequestHost } from "../call/incoming-request.js";
import type { StatusError } from "../call/status.js";
import type { ErrorCode } from "../framing/protocol.js";
import type { OutgoingStream } from "./outgoing-stream.js";
import type { Sender } from "./sender.js";

export interface ExchangeHost extends RequestHost {
  readonly sender: Sender;
  /** The response is sent, or given up with a reset. */
  exchangeOver(exchange: Exchange, resetWith?: ErrorCode): void;
}

export interface Exchange {
  readonly id: number;
  readonly outgoing: OutgoingStream;
  /** The client has ended its half. */
  readonly isHalfClosed: boolean;
  start(): void;
  /** A DATA frame of `length` bytes, padding included; false if the client had no window for it. */
  dataStart(length: number): boolean;
  data(bytes: Buffer, start: number, end: number): void;
  /** The client ends its half, with its last DATA frame or with trailers. */
  endReceived(): void;
  /** The client, or the connection, is gone: there is nobody to tell. */
  abort(reason: Error): void;
  /** Ends it from outside, with a status if it can still be told. */
  terminate(reason: StatusError): void;
  /** Called now and then, to find exchanges that get nowhere. */
  tick(ms: number): void;
}
