/**
 * The interface between a transport and the API: a transport decodes requests, calls these handlers and
 * writes what they answer. gRPC, the JSON gateway and embedding programs are all transports.
 */
import {
  type DescMessage,
  type DescMethod,
  type DescService,
  fromBinary,
  type MessageShape,
} from "@bufbuild/protobuf";
import { Pieces } from "./pieces.js";

/** What a call brings beside its messages. */
export interface CallContext {
  /** Request metadata by lower-case name (the last value, if there are several). */
  metadata(name: string): string | undefined;
  /** Aborted when the client cancels, disconnects or its deadline passes, or the server ends the call. */
  readonly signal: AbortSignal;
  readonly peer: Peer;
  readonly transport: "grpc" | "gateway" | "embedded";
}

export interface Peer {
  /** host:port */
  readonly address: string;
  /** Common name of the client's verified certificate, if that is to say who it is. */
  readonly certificateName?: string;
}

/** A response: its message, or the message's finished bytes where encoding would cost too much. */
export type Response<O extends DescMessage> = MessageShape<O> | Buffer;

/** The same for one call alone, whose bytes may be in pieces. */
export type Answer<O extends DescMessage> = Response<O> | Pieces;

/** For who needs the bytes in one piece. */
export function whole<O extends DescMessage>(answer: Answer<O>): Response<O> {
  return answer instanceof Pieces ? answer.joined() : (answer as Response<O>);
}

/** For who needs the message. */
export function messageOf<O extends DescMessage>(type: O, answer: Answer<DescMessage>): MessageShape<O> {
  const response = whole(answer);
  return Buffer.isBuffer(response) ? fromBinary(type, response) : (response as MessageShape<O>);
}

export type UnaryHandler<I extends DescMessage = DescMessage, O extends DescMessage = DescMessage> = (
  request: MessageShape<I>,
  context: CallContext,
) => Promise<Answer<O>>;

/** A call with a stream of responses, and one or many requests. */
export interface StreamCall<I extends DescMessage = DescMessage, O extends DescMessage = DescMessage> {
  readonly context: CallContext;
  /** Ends when the client half-closes; throws when it cancels. Requests are read only as fast as they are taken. */
  readonly requests: AsyncIterable<MessageShape<I>>;
  /**
   * Sends one message. False asks to stop until the next drain; what is sent all the same is queued.
   * One buffer may be sent on any number of calls.
   */
  send(response: Response<O>): boolean;
  /** Called whenever a call that answered false can take messages again. */
  onDrain(listener: () => void): void;
}

/** Resolves when the stream is over, with status OK; a rejection is its error status. */
export type StreamHandler<I extends DescMessage = DescMessage, O extends DescMessage = DescMessage> = (
  call: StreamCall<I, O>,
) => Promise<void>;

export interface UnaryMethod {
  readonly kind: "unary";
  readonly method: DescMethod;
  readonly handle: UnaryHandler;
}

export interface StreamMethod {
  readonly kind: "stream";
  readonly method: DescMethod;
  readonly handle: StreamHandler;
}

export type ServiceMethod = UnaryMethod | StreamMethod;

export interface Service {
  readonly service: DescService;
  readonly methods: readonly ServiceMethod[];
}

/** Handlers by the method's name in TypeScript (`range`, `leaseGrant`); every method must have one. */
export type Handlers<S extends DescService> = {
  [M in keyof S["method"]]: S["method"][M] extends {
    methodKind: "unary";
    input: infer I extends DescMessage;
    output: infer O extends DescMessage;
  }
    ? UnaryHandler<I, O>
    : S["method"][M] extends { input: infer I extends DescMessage; output: infer O extends DescMessage }
      ? StreamHandler<I, O>
      : never;
};

/** Binds a service's handlers to its description. */
export function defineService<S extends DescService>(service: S, handlers: Handlers<S>): Service {
  const methods = service.methods.map((method): ServiceMethod => {
    const handle: unknown = handlers[method.localName as keyof Handlers<S>];
    return method.methodKind === "unary"
      ? { kind: "unary", method, handle: handle as UnaryHandler }
      : { kind: "stream", method, handle: handle as StreamHandler };
  });
  return { service, methods };
}
