/** The sockets of a listener: addresses that are bound, connections that are open, and their end. */
import { createServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer, type TlsOptions, type Server as TlsServer } from "node:tls";
import type { Logger } from "pino";
import { type Address, bind, ListenError, parseAddress } from "./addresses.js";

const TCP_KEEPALIVE_MS = 30_000;
/** While there are too many connections, that is logged so often. */
const FULL_LOG_INTERVAL_MS = 10_000;
const SOCKET_OPTIONS = { noDelay: true, keepAlive: true, keepAliveInitialDelay: TCP_KEEPALIVE_MS };

export interface PortOptions {
  /** The option that its addresses come from, for messages: `--listen-client-urls`. */
  readonly flag: string;
  readonly tls: TlsOptions | undefined;
  /** What a TLS client can choose from. */
  readonly protocols: readonly string[];
  /** Until the end of the TLS handshake. */
  readonly helloMs: number;
  readonly maxConnections: number;
  readonly logger: Logger;
  /** Given each connection, after the handshake where there is one. */
  readonly accept: (socket: Socket) => void;
}

export class Port {
  private readonly servers: Server[] = [];
  private readonly tlsServers: TlsServer[] = [];
  private readonly sockets = new Set<Socket>();
  private wasFullAt = Number.NEGATIVE_INFINITY;

  constructor(private readonly options: PortOptions) {}

  /** Listens on all of them, and resolves with the URLs of the ports that were really taken. */
  async open(urls: readonly string[]): Promise<string[]> {
    const bound: string[] = [];
    for (const address of urls.map(parseAddress)) bound.push(await this.bind(address));
    return bound;
  }

  private async bind(address: Address): Promise<string> {
    const server = address.tls ? this.tlsServer(address) : createServer(SOCKET_OPTIONS, this.accept);
    server.on("connection", this.track);
    const url = await bind(server, address, this.options.flag);
    server.on("error", (err) => this.options.logger.error({ err, url }, "listening failed"));
    this.servers.push(server);
    return url;
  }

  /** From the next handshake on, certificates are these. */
  secure(tls: TlsOptions): void {
    for (const server of this.tlsServers) server.setSecureContext(tls);
  }

  /** Takes no more connections; resolves when the last one is closed. */
  async stopListening(): Promise<void> {
    await Promise.all(
      this.servers.map((server) => new Promise<void>((resolve) => server.close(() => resolve()))),
    );
  }

  /** Closes every connection at once. */
  destroy(): void {
    for (const socket of this.sockets) socket.destroy();
  }

  private tlsServer(address: Address): Server {
    const { tls, helloMs, protocols, logger } = this.options;
    if (tls === undefined) {
      throw new ListenError(
        `Cannot listen on ${address.url}: there is no certificate. Set --cert-file and --key-file.`,
      );
    }
    const server = createTlsServer(
      { handshakeTimeout: helloMs, ...tls, ...SOCKET_OPTIONS, ALPNProtocols: [...protocols] },
      this.accept,
    );
    this.tlsServers.push(server);
    server.on("tlsClientError", (err, socket) => {
      logger.debug({ err, peer: socket.remoteAddress }, "TLS handshake failed");
      socket.destroy();
    });
    return server;
  }

  /** For the end, when those that are still open are destroyed. */
  private readonly track = (socket: Socket): void => {
    socket.on("error", () => socket.destroy());
    if (this.sockets.size >= this.options.maxConnections) {
      this.full();
      socket.destroy();
      return;
    }
    this.sockets.add(socket);
    socket.once("close", () => this.sockets.delete(socket));
  };

  private full(): void {
    const now = performance.now();
    if (now - this.wasFullAt > FULL_LOG_INTERVAL_MS) {
      const { maxConnections, logger } = this.options;
      logger.warn({ maxConnections }, "too many connections: new ones are closed");
      this.wasFullAt = now;
    }
  }

  private readonly accept = (socket: Socket): void => {
    socket.on("error", () => socket.destroy());
    this.options.accept(socket);
  };
}

/** Resolves when all are done, or after `ms`. */
export async function within(ms: number, all: readonly Promise<unknown>[]): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const tooLong = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([Promise.all(all), tooLong]);
  clearTimeout(timer);
}
