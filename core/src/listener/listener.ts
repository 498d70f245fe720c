/** What clients connect to: addresses on each of which every protocol that etcd speaks is served. */

import type { IncomingMessage, ServerResponse } from "node:http";
import {
  Http2ServerRequest,
  Http2ServerResponse,
  type IncomingHttpHeaders,
  type ServerHttp2Stream,
} from "node:http2";
import type { TlsOptions } from "node:tls";
import { OpenStreams } from "./call.js";
import { Greeter } from "./connection.js";
import { connectionLimit } from "./connection-limit.js";
import { Gateway } from "./gateway.js";
import { GrpcTransport } from "./grpc.js";
import { GrpcMessages } from "./grpc-messages.js";
import { HttpTransport } from "./http.js";
import { keepaliveOf } from "./keepalive.js";
import type { ListenerOptions } from "./options.js";
import * as defaults from "./options.js";
import { OwnGrpcTransport } from "./own-grpc.js";
import { asHttp } from "./own-http2.js";
import { Peers } from "./peers.js";
import { Port, within } from "./port.js";
import { Statuses } from "./statuses.js";

export { ListenError } from "./addresses.js";
export type { ListenerOptions } from "./options.js";
export type { PlainRoute } from "./plain.js";

export interface Listener {
  /** The URLs, with the real ports. */
  readonly addresses: readonly string[];
  /** From the next handshake on, certificates are these. */
  secure(tls: TlsOptions): void;
  /** Ends streams, lets calls finish for at most `graceMs`, and closes every connection. */
  close(graceMs: number): Promise<void>;
}

/** Rejects with a ListenError if one of the addresses cannot be had; then none is. */
export async function startListener(options: ListenerOptions): Promise<Listener> {
  const protocols = new Protocols(options);
  try {
    return {
      addresses: await protocols.open(options.urls),
      secure: (tls) => protocols.secure(tls),
      close: (graceMs) => protocols.close(graceMs),
    };
  } catch (error) {
    await protocols.close(0);
    throw error;
  }
}

/** While closing, connections are looked at so often for whether their last request is answered. */
const IDLE_SWEEP_MS = 50;

class Protocols {
  private readonly port: Port;
  private readonly peers: Peers;
  private readonly openStreams = new OpenStreams();
  private readonly grpc: GrpcTransport | OwnGrpcTransport;
  private readonly http: HttpTransport;
  private readonly greeter: Greeter;
  private closing: Promise<void> | undefined;

  constructor(options: ListenerOptions) {
    this.peers = new Peers(options.namesByCertificate ?? false);
    const { services, logger } = options;
    const maxReceiveBytes = options.maxReceiveBytes ?? defaults.DEFAULT_MAX_RECEIVE_BYTES;
    const statuses = new Statuses(logger);
    const timeouts = { ...defaults.DEFAULT_TIMEOUTS, ...options.timeouts };
    const { openStreams, peers } = this;
    const gateway = new Gateway({
      services,
      statuses,
      openStreams,
      maxReceiveBytes,
      bodyTimeoutMs: timeouts.bodyMs,
    });
    this.http = new HttpTransport({
      ...options,
      gateway,
      timeouts,
      maxReceiveBytes,
      peerOf: (socket) => peers.of(socket),
    });
    const messages = new GrpcMessages(options.messageBytes ?? { received: 0, sent: 0 });
    const grpcOptions = {
      services,
      messages,
      peers,
      statuses,
      openStreams,
      maxReceiveBytes,
      maxConcurrentStreams: options.maxConcurrentStreams,
      keepalive: keepaliveOf(options.keepalive ?? {}),
    };
    this.grpc =
      options.grpcTransport === "grpc-js"
        ? new GrpcTransport({
            ...grpcOptions,
            onOther: (stream, headers) => this.serveHttp2(stream, headers),
          })
        : new OwnGrpcTransport({
            ...grpcOptions,
            onFault: (err) => logger.error({ err }, "gRPC transport fault"),
            onOther: (other) => {
              const { request, response } = asHttp(other);
              this.http.handle(request, response);
            },
          });
    this.greeter = new Greeter(timeouts.helloMs, {
      http1: (socket) => this.http.accept(socket),
      http2: (socket) => this.grpc.accept(socket),
    });
    this.port = new Port({
      flag: "--listen-client-urls",
      tls: options.tls,
      logger,
      protocols: ["h2", "http/1.1"],
      helloMs: timeouts.helloMs,
      maxConnections: options.maxConnections ?? connectionLimit(),
      accept: (socket) => {
        this.peers.add(socket);
        this.greeter.greet(socket);
      },
    });
  }

  open(urls: readonly string[]): Promise<string[]> {
    return this.port.open(urls);
  }

  secure(tls: TlsOptions): void {
    this.port.secure(tls);
  }

  /**
   * The order matters: gRPC's connections count as closed as soon as they are told to close, so that they are
   * told last.
   */
  close(graceMs: number): Promise<void> {
    this.closing ??= this.shutDown(graceMs);
    return this.closing;
  }

  private async shutDown(graceMs: number): Promise<void> {
    const closed = this.port.stopListening();
    this.greeter.close();
    this.http.drain();
    const sweep = setInterval(() => this.http.closeIdle(), IDLE_SWEEP_MS);
    const drained = this.grpc.drain();
    this.openStreams.stop();
    await within(graceMs, [closed, drained]);
    clearInterval(sweep);
    this.grpc.destroy();
    this.port.destroy();
    await closed;
  }

  /** etcd serves HTTP/2 that is not gRPC under TLS alone. */
  private serveHttp2(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): boolean {
    if (!stream.session?.encrypted) {
      return false;
    }
    const request = new Http2ServerRequest(stream, headers, {}, []);
    const response = new Http2ServerResponse(stream);
    // Node's compatibility API: these are made to be taken for HTTP/1's.
    this.http.handle(request as unknown as IncomingMessage, response as unknown as ServerResponse);
    return true;
  }
}
