import type { TlsOptions } from "node:tls";
import type { Logger } from "pino";
import type { Peer, Service } from "../api/service.js";
import type { MessageBytes } from "./grpc-messages.js";
import type { KeepaliveFlags } from "./keepalive.js";
import type { PlainResponse, PlainRoute } from "./plain.js";

export interface ListenerOptions {
  /** `http://HOST:PORT`, `https://HOST:PORT`, `unix://PATH` or `unixs://PATH`; port 0 picks a free one. */
  readonly urls: readonly string[];
  readonly services: readonly Service[];
  readonly logger: Logger;
  /** Which implementation of gRPC serves: the workspace's own if left out. */
  readonly grpcTransport?: "own" | "grpc-js" | undefined;
  /** Where the bytes of gRPC's messages are added up. */
  readonly messageBytes?: MessageBytes | undefined;
  /** GET routes beside the gateway's. */
  readonly plainRoutes?: readonly PlainRoute[] | undefined;
  /** For the `https://` URLs. Client certificates are the caller's to ask for (`requestCert`). */
  readonly tls?: TlsOptions | undefined;
  /** Whether the common name of a client's certificate is who it is; without, certificates only let it in. */
  readonly namesByCertificate?: boolean | undefined;
  /** Largest request message; etcd takes `--max-request-bytes` and 512 KiB on top. */
  readonly maxReceiveBytes?: number | undefined;
  /** Streams that one HTTP/2 connection may have open. Unlimited if left out, as in etcd. */
  readonly maxConcurrentStreams?: number | undefined;
  /** Pings on gRPC connections; etcd's defaults for what is left out. */
  readonly keepalive?: KeepaliveFlags | undefined;
  /** All at a time; what the limit of open files allows if left out. Those beyond it are closed at once. */
  readonly maxConnections?: number | undefined;
  /** Host names that cleartext HTTP requests may name; all if left out. */
  readonly hostWhitelist?: ReadonlySet<string> | undefined;
  /** Origins that browsers may call from; all if left out. */
  readonly corsOrigins?: ReadonlySet<string> | undefined;
  /** Answers in place of the gateway, when it must refuse a client as a whole. */
  readonly refuseGateway?: ((peer: Peer) => PlainResponse | undefined) | undefined;
  readonly timeouts?: Partial<Timeouts> | undefined;
}

export interface Timeouts {
  /** Until the first bytes, or the end of the TLS handshake, of a new connection. */
  readonly helloMs: number;
  /** Until the end of an HTTP/1.1 request's head. */
  readonly headersMs: number;
  /** Until the end of a unary request's body. */
  readonly bodyMs: number;
  /** Between requests on one HTTP/1.1 connection. Clients pool for 60 s: closing sooner races with them. */
  readonly idleMs: number;
}

export const DEFAULT_TIMEOUTS: Timeouts = {
  helloMs: 10_000,
  headersMs: 60_000,
  bodyMs: 60_000,
  idleMs: 90_000,
};

export const DEFAULT_MAX_RECEIVE_BYTES = (1536 + 512) * 1024;
