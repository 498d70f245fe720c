/**
 * Services over gRPC, by grpc-js. Nothing outside of this file sees its types: it is one transport of several,
 * and to be replaced by a faster one.
 */
import type { IncomingHttpHeaders, ServerHttp2Stream } from "node:http2";
import type { Socket } from "node:net";
import * as grpc from "@grpc/grpc-js";
import { type Service, type StreamMethod, type UnaryMethod, whole } from "../api/service.js";
import { Code, type Status } from "../errors.js";
import type { OpenStreams } from "./call.js";
import { GrpcContext, GrpcStream } from "./grpc-call.js";
import { type GrpcMessages, identity } from "./grpc-messages.js";
import { inGoWords, UnknownMethods } from "./grpc-words.js";
import type { Keepalive } from "./keepalive.js";
import type { Peers } from "./peers.js";
import type { Statuses } from "./statuses.js";

export interface GrpcOptions {
  readonly services: readonly Service[];
  readonly peers: Peers;
  readonly statuses: Statuses;
  readonly messages: GrpcMessages;
  readonly openStreams: OpenStreams;
  readonly maxReceiveBytes: number;
  readonly maxConcurrentStreams: number | undefined;
  /** But for the clients' pings, for which grpc-js has no hook. */
  readonly keepalive: Keepalive;
  /** Takes an HTTP/2 request that is not gRPC; false to have it refused. */
  readonly onOther: (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => boolean;
}

/** What is used of grpc-js beyond its public interface; without it, its own texts and 415 remain. */
interface Internals {
  _retrieveHandler?(path: string): unknown;
  _verifyContentType?(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): boolean;
}

export class GrpcTransport {
  private readonly server: grpc.Server;
  private readonly injector: grpc.ConnectionInjector;

  constructor(private readonly options: GrpcOptions) {
    this.server = new grpc.Server({
      "grpc.max_receive_message_length": options.maxReceiveBytes,
      "grpc.max_send_message_length": -1,
      "grpc.keepalive_time_ms": options.keepalive.intervalMs,
      "grpc.keepalive_timeout_ms": options.keepalive.timeoutMs,
      "grpc.enable_channelz": 0,
      ...(options.maxConcurrentStreams !== undefined && {
        "grpc.max_concurrent_streams": options.maxConcurrentStreams,
      }),
      interceptors: [speakGo],
    });
    for (const service of options.services) {
      for (const method of service.methods) {
        this.mount(service, method);
      }
    }
    this.extend(new UnknownMethods(options.services), options.onOther);
    this.injector = this.server.createConnectionInjector(grpc.ServerCredentials.createInsecure());
  }

  accept(socket: Socket): void {
    this.injector.injectConnection(socket);
  }

  /** Resolves when the calls in progress are over; new ones are turned away. */
  drain(): Promise<void> {
    return new Promise((resolve) => {
      this.server.tryShutdown(() => resolve());
    });
  }

  /** Ends what is left. To be called after `drain`, which would otherwise be over before its calls are. */
  destroy(): void {
    this.injector.drain(0);
    this.server.forceShutdown();
  }

  private mount(service: Service, method: UnaryMethod | StreamMethod): void {
    const path = `/${service.service.typeName}/${method.method.name}`;
    // All streams are bidirectional to grpc-js: a single request is a stream of one.
    if (method.kind === "unary") {
      const handler: grpc.handleUnaryCall<Buffer, Buffer> = (call, callback) => {
        void this.answer(method, path, call, callback);
      };
      this.server.register(path, handler, identity, identity, "unary");
    } else {
      const handler: grpc.handleBidiStreamingCall<Buffer, Buffer> = (call) => {
        void this.converse(method, path, call);
      };
      this.server.register(path, handler, identity, identity, "bidi");
    }
  }

  private async answer(
    { method, handle }: UnaryMethod,
    path: string,
    call: grpc.ServerUnaryCall<Buffer, Buffer>,
    callback: grpc.sendUnaryData<Buffer>,
  ): Promise<void> {
    const context = new GrpcContext(call, this.options.peers);
    const { messages } = this.options;
    let response: Buffer;
    try {
      const request = messages.decode(method.input, call.request, "error unmarshalling request");
      response = messages.encode(method.output, whole(await handle(request, context)));
    } catch (error) {
      callback(grpcStatus(this.options.statuses.of(error, path, context.end)));
      return;
    }
    callback(null, response);
  }

  private async converse(
    { method, handle }: StreamMethod,
    path: string,
    call: grpc.ServerDuplexStream<Buffer, Buffer>,
  ): Promise<void> {
    const { openStreams, statuses } = this.options;
    const stream = new GrpcStream(call, method, this.options);
    const { end } = stream.context;
    openStreams.add(end);
    let failure: unknown;
    try {
      await handle(stream);
    } catch (error) {
      failure = error ?? new Error("a handler failed without saying why");
    }
    openStreams.delete(end);
    const status = statuses.ofStream(failure, path, end);
    if (status === undefined) {
      call.end();
    } else {
      call.emit("error", grpcStatus(status));
    }
  }

  private extend(unknown: UnknownMethods, onOther: GrpcOptions["onOther"]): void {
    const internals = this.server as unknown as Internals;
    const retrieve = internals._retrieveHandler?.bind(this.server);
    if (retrieve !== undefined) {
      internals._retrieveHandler = (path) =>
        retrieve(path) ?? {
          type: "bidi",
          path,
          serialize: identity,
          deserialize: identity,
          func: (call: grpc.ServerDuplexStream<Buffer, Buffer>) =>
            call.emit("error", grpcStatus({ code: Code.unimplemented, message: unknown.describe(path) })),
        };
    }
    if (internals._verifyContentType !== undefined) {
      internals._verifyContentType = (stream, headers) => {
        const type = headers["content-type"] ?? "";
        const isGrpc = type.startsWith("application/grpc");
        if (!isGrpc && !onOther(stream, headers)) {
          refuseOther(stream, type);
        }
        return isGrpc;
      };
    }
  }
}

type CallStatus = Parameters<grpc.ServerInterceptingCallInterface["sendStatus"]>[0];

/** Makes grpc-js tell its own errors in the words of Go's server, which etcd's clients match on. */
const speakGo: grpc.ServerInterceptor = (_method, call) => {
  call.sendStatus = sendStatusInGoWords;
  return call as grpc.ServerInterceptingCall;
};

function sendStatusInGoWords(this: grpc.ServerInterceptingCallInterface, status: CallStatus): void {
  const { sendStatus } = Object.getPrototypeOf(this) as grpc.ServerInterceptingCallInterface;
  sendStatus.call(this, status.code === grpc.status.OK ? status : { ...status, ...inGoWords(status) });
}

function refuseOther(stream: ServerHttp2Stream, contentType: string): void {
  // A client may have cancelled it right behind its headers.
  if (stream.destroyed) {
    return;
  }
  const message = `invalid gRPC request content-type ${JSON.stringify(contentType)}`;
  const headers = {
    ":status": 415,
    "content-type": "application/grpc",
    "grpc-status": Code.invalidArgument,
    "grpc-message": encodeURI(message).replaceAll("%20", " ").replaceAll("%22", '"'),
  };
  stream.respond(headers, { endStream: true });
}

function grpcStatus({ code, message }: Status): grpc.ServiceError {
  const details = message.replace(/\p{Surrogate}/gu, "\ufffd"); // halves of a pair cannot be sent
  return Object.assign(new Error(details), { code: code as number, details, metadata: NO_METADATA });
}

const NO_METADATA = new grpc.Metadata();
