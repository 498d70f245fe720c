/** Services over gRPC by the workspace's own transport. */
import type { Socket } from "node:net";
import type { DescMethod } from "@bufbuild/protobuf";
import {
  GrpcServer,
  type Method,
  type OtherHandler,
  type Services,
  type StreamCall as WireCall,
  type CallContext as WireContext,
  StatusError as WireError,
} from "@etcd-adapter/transport";
import { Pieces } from "../api/pieces.js";
import type {
  CallContext,
  Peer,
  Response,
  Service,
  StreamCall,
  StreamMethod,
  UnaryMethod,
} from "../api/service.js";
import { Code, type Status } from "../errors.js";
import { CallEnd, canceled, deadlineExceeded, type OpenStreams, SERVER_STOPPED } from "./call.js";
import type { GrpcMessages } from "./grpc-messages.js";
import type { Keepalive } from "./keepalive.js";
import type { Peers } from "./peers.js";
import type { Statuses } from "./statuses.js";

export interface OwnGrpcOptions {
  readonly services: readonly Service[];
  readonly peers: Peers;
  readonly statuses: Statuses;
  readonly messages: GrpcMessages;
  readonly openStreams: OpenStreams;
  readonly maxReceiveBytes: number;
  readonly maxConcurrentStreams: number | undefined;
  readonly keepalive: Keepalive;
  readonly onFault: (error: unknown) => void;
  /** Serves requests over TLS that are not gRPC. */
  readonly onOther: OtherHandler;
}

type Message = Parameters<StreamCall["send"]>[0];
type Request = StreamCall["requests"] extends AsyncIterable<infer R> ? R : never;

export class OwnGrpcTransport {
  private readonly server: GrpcServer;

  constructor(private readonly options: OwnGrpcOptions) {
    const { maxReceiveBytes, maxConcurrentStreams, keepalive, onFault } = options;
    this.server = new GrpcServer(this.services(), {
      maxReceiveBytes,
      minPingIntervalMs: keepalive.minTimeMs,
      keepaliveIntervalMs: keepalive.intervalMs,
      keepaliveTimeoutMs: keepalive.timeoutMs,
      onFault,
      ...(maxConcurrentStreams !== undefined && { maxConcurrentStreams }),
    });
  }

  accept(socket: Socket): void {
    this.server.accept(socket, "encrypted" in socket ? this.options.onOther : undefined);
  }

  /** Resolves when the calls in progress are over; new ones are turned away. */
  drain(): Promise<void> {
    return this.server.drain();
  }

  /** Ends what is left. */
  destroy(): void {
    this.server.close();
  }

  private services(): Services {
    return Object.fromEntries(
      this.options.services.map(({ service, methods }) => [
        service.typeName,
        Object.fromEntries(
          methods.map((method) => [
            method.method.name,
            method.kind === "unary" ? this.unary(method) : this.stream(method),
          ]),
        ),
      ]),
    );
  }

  private unary({ method, handle }: UnaryMethod): Method {
    const { peers, statuses, messages } = this.options;
    return {
      kind: "unary",
      handle: async (bytes, wire) => {
        const context = new OwnContext(wire, peers);
        try {
          const request = messages.decode(method.input, bytes, "error unmarshalling request");
          const answer = await handle(request, context);
          return answer instanceof Pieces ? messages.count(answer) : messages.encode(method.output, answer);
        } catch (error) {
          throw wireError(statuses.of(error, wire.path, context.end));
        }
      },
    };
  }

  private stream({ method, handle }: StreamMethod): Method {
    const { statuses, openStreams } = this.options;
    const clientStreams = method.methodKind === "client_streaming" || method.methodKind === "bidi_streaming";
    return {
      kind: "stream",
      clientStreams,
      handle: async (wire) => {
        const stream = new OwnStream(wire, method, this.options);
        const { end } = stream.context;
        openStreams.add(end);
        let failure: unknown;
        try {
          await handle(stream);
        } catch (error) {
          failure = error ?? new Error("a handler failed without saying why");
        }
        openStreams.delete(end);
        const status = statuses.ofStream(failure, wire.context.path, end);
        if (status !== undefined) throw wireError(status);
      },
    };
  }
}

class OwnContext implements CallContext {
  readonly transport = "grpc";
  private lazyEnd: CallEnd | undefined;

  constructor(
    private readonly wire: WireContext,
    private readonly peers: Peers,
  ) {}

  metadata(name: string): string | undefined {
    return this.wire.metadata.get(name);
  }

  /** Most calls are over before anyone asks for it. */
  get end(): CallEnd {
    if (this.lazyEnd === undefined) {
      const end = new CallEnd();
      this.lazyEnd = end;
      this.wire.onAbort((reason) => end.end(reasonOf(reason)));
    }
    return this.lazyEnd;
  }

  get signal(): AbortSignal {
    return this.end.signal;
  }

  get peer(): Peer {
    return this.peers.of(this.wire.peer.socket);
  }
}

class OwnStream implements StreamCall {
  readonly context: OwnContext;
  readonly requests: AsyncIterable<Request>;
  private readonly drainListeners: (() => void)[] = [];

  constructor(
    private readonly wire: WireCall,
    private readonly method: DescMethod,
    private readonly options: Pick<OwnGrpcOptions, "peers" | "messages">,
  ) {
    this.context = new OwnContext(wire.context, options.peers);
    this.requests = new OwnRequests(wire, method, options.messages, this.context.end);
  }

  send(response: Message): boolean {
    const { output } = this.method;
    return this.wire.send(this.options.messages.encode(output, response as Response<typeof output>));
  }

  onDrain(listener: () => void): void {
    if (this.drainListeners.push(listener) > 1) return;
    this.wire.onDrain(() => {
      for (const each of this.drainListeners) each();
    });
  }
}

/** Decodes requests as they are taken, and stops when the server ends the call. */
class OwnRequests implements AsyncIterable<Request>, AsyncIterator<Request, undefined> {
  private readonly source: AsyncIterator<Buffer>;
  private failure: Error | undefined;
  private fail: ((reason: Error) => void) | undefined;

  constructor(
    wire: WireCall,
    private readonly method: DescMethod,
    private readonly messages: GrpcMessages,
    end: CallEnd,
  ) {
    this.source = wire.requests[Symbol.asyncIterator]();
    end.onEnd((reason) => {
      this.failure = reason;
      this.fail?.(reason);
    });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<Request, undefined>> {
    return new Promise((resolve, reject) => {
      if (this.failure !== undefined) {
        reject(this.failure);
        return;
      }
      this.fail = reject;
      this.source
        .next()
        .then((result) => resolve(this.decoded(result)))
        .catch(reject);
    });
  }

  /** Leaving the loop leaves the call open: the handler may go on sending. */
  async return(): Promise<IteratorResult<Request, undefined>> {
    return { done: true, value: undefined };
  }

  private decoded({ done, value }: IteratorResult<Buffer>): IteratorResult<Request, undefined> {
    if (done) return { done: true, value: undefined };
    return {
      done: false,
      value: this.messages.decode(this.method.input, value, "failed to unmarshal the received message"),
    };
  }
}

function wireError({ code, message }: Status): WireError {
  return new WireError(code, message);
}

function reasonOf(reason: Error): Error {
  const code = reason instanceof WireError ? reason.code : Code.canceled;
  if (code === Code.deadlineExceeded) return deadlineExceeded();
  return code === Code.unavailable ? SERVER_STOPPED : canceled();
}
