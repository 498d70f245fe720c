/** What a program gives the server: methods by their path, on messages as bytes. */
import type { Socket } from "node:net";
import type { Metadata, MetadataInit } from "./call/metadata.js";

/** What a call brings beside its messages, and what it may say beside them. */
export interface CallContext {
  /** `/package.Service/Method` */
  readonly path: string;
  readonly authority: string;
  readonly metadata: Metadata;
  /** Aborted when the client cancels or disconnects, the deadline passes, or the server ends the call. */
  readonly signal: AbortSignal;
  /** Milliseconds of the epoch. */
  readonly deadline: number | undefined;
  readonly peer: Peer;
  /** Sends initial metadata now; at most once, and before the first message. */
  sendHeaders(metadata: MetadataInit): void;
  /** Metadata to go out with the status. */
  setTrailers(metadata: MetadataInit): void;
  /** Tells of the call's abortion without the price of a signal. At most one listener. */
  onAbort(listener: (reason: Error) => void): void;
}

/** The other end of a connection. */
export interface Peer {
  /** HOST:PORT, or `unix`. */
  readonly address: string;
  /** For what else there is to know, such as the client's certificate. */
  readonly socket: Socket;
}

/** A message, whole or in pieces that follow each other. Nobody may change long ones afterwards: they are not copied. */
export type Message = Buffer | readonly Buffer[];

/** A handler that answers without waiting saves a turn of the microtask queue. */
export type UnaryHandler = (request: Buffer, context: CallContext) => Message | Promise<Message>;

/** A call with one or many requests, and a stream of responses. */
export interface StreamCall {
  readonly context: CallContext;
  /**
   * Ends when the client half-closes; throws when it cancels. To be read once. Requests are let in only as fast
   * as they are taken.
   */
  readonly requests: AsyncIterable<Buffer>;
  /**
   * Sends one message. False asks to stop until the next drain; what is sent all the same is queued. One buffer
   * may be sent on any number of calls; nobody may change it afterwards. Once the call is over, nothing is taken.
   */
  send(message: Buffer): boolean;
  /** Called whenever a call that answered false can take messages again. At most one listener. */
  onDrain(listener: () => void): void;
}

/** Resolves when the call is over, with status OK; a rejection is its error status. */
export type StreamHandler = (call: StreamCall) => Promise<void>;

/** A request over HTTP/2 that is not gRPC. */
export interface OtherRequest {
  readonly method: string;
  readonly path: string;
  readonly authority: string;
  readonly headers: Metadata;
  readonly peer: Peer;
  /** In pieces; to be read once. */
  readonly body: AsyncIterable<Buffer>;
  respond(status: number, headers: Readonly<Record<string, string | number>>): void;
  /** As `send` of a StreamCall. */
  write(bytes: Buffer): boolean;
  onDrain(listener: () => void): void;
  end(): void;
  /** Told if the client goes away before the end. */
  onAbort(listener: () => void): void;
}

export type OtherHandler = (request: OtherRequest) => void;

/** `clientStreams` is false for methods that take exactly one request. */
export type Method =
  | { readonly kind: "unary"; readonly handle: UnaryHandler }
  | { readonly kind: "stream"; readonly clientStreams: boolean; readonly handle: StreamHandler };

/** By service, `package.Service`, and method name. */
export type Services = Readonly<Record<string, Readonly<Record<string, Method>>>>;
