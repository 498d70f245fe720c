/**
 * The common case of HTTP/1.1 at the gateway, without what Node does for every case: one request at a time, its
 * head in one piece, its body of a stated length. With anything else a connection goes to Node's server, for good.
 */
import type { Socket } from "node:net";
import type { Peer } from "../api/service.js";
import { type FastAnswering, FastExchange } from "./fast-exchange.js";
import { type FastHead, FastHeads } from "./fast-head.js";
import type { Gateway, UnaryRoute } from "./gateway.js";
import { allowOrigin, misdirected } from "./http-access.js";
import type { ListenerOptions } from "./options.js";

export interface FastHttpOptions
  extends Pick<ListenerOptions, "hostWhitelist" | "corsOrigins" | "refuseGateway"> {
  readonly gateway: Gateway;
  readonly idleMs: number;
  /** Takes a connection; what it sent and this has not used is to be read again. */
  readonly otherwise: (socket: Socket) => void;
}

/** What is left of a longer body, once it was refused, may not be worth reading: Node's server sees to that. */
const MAX_BODY_BYTES = 256 * 1024;

export class FastHttp {
  private readonly connections = new Set<FastConnection>();
  private draining = false;

  constructor(private readonly options: FastHttpOptions) {}

  accept(socket: Socket, peer: Peer): void {
    const connection = new FastConnection(socket, peer, {
      ...this.options,
      isDraining: () => this.draining,
      otherwise: () => {
        this.connections.delete(connection);
        this.options.otherwise(socket);
      },
    });
    this.connections.add(connection);
    socket.once("close", () => this.connections.delete(connection));
  }

  /** Keeps no connection after its next answer. */
  drain(): void {
    this.draining = true;
  }

  closeIdle(): void {
    for (const connection of this.connections) connection.closeIfIdle();
  }
}

interface ConnectionOptions extends FastHttpOptions {
  readonly isDraining: () => boolean;
}

class FastConnection implements FastAnswering {
  private readonly heads = new FastHeads();
  /** The request that is being read or answered. */
  private exchange: FastExchange | undefined;

  constructor(
    private readonly socket: Socket,
    private readonly peer: Peer,
    private readonly options: ConnectionOptions,
  ) {
    socket.setTimeout(options.idleMs);
    socket.on("timeout", this.closeIfIdle).on("close", this.closed).on("data", this.read);
  }

  keptMs(): number | undefined {
    return this.options.isDraining() ? undefined : this.options.idleMs;
  }

  over(): void {
    this.exchange = undefined;
    this.proceed();
  }

  readonly closeIfIdle = (): void => {
    if (this.exchange === undefined) this.socket.destroy();
  };

  private readonly closed = (): void => this.exchange?.leave();

  private readonly read = (bytes: Buffer): void => {
    const { exchange } = this;
    if (exchange !== undefined) {
      this.keep(bytes, exchange.read(bytes));
      return;
    }
    const head = this.heads.read(bytes);
    const route = head && this.routeOf(head);
    if (head === undefined || route === undefined) {
      this.giveAway(bytes);
    } else {
      this.keep(bytes, this.serve(head, route, bytes));
    }
  };

  private routeOf({ path, headers, bodyBytes }: FastHead): UnaryRoute | undefined {
    const { gateway, hostWhitelist, refuseGateway, isDraining } = this.options;
    if (bodyBytes > MAX_BODY_BYTES || isDraining() || refuseGateway?.(this.peer) !== undefined) {
      return undefined;
    }
    const isSecure = "encrypted" in this.socket;
    return isSecure || misdirected(headers, hostWhitelist) === undefined
      ? gateway.unaryRoute(path)
      : undefined;
  }

  /** Returns how many of the bytes belong to the request. */
  private serve(head: FastHead, route: UnaryRoute, bytes: Buffer): number {
    const { gateway, corsOrigins } = this.options;
    const exchange = new FastExchange(
      head,
      allowOrigin(head.headers, corsOrigins),
      this.peer,
      this.socket,
      this,
    );
    this.exchange = exchange;
    const bodyBytes = exchange.read(bytes.subarray(head.headBytes));
    void gateway.answer(route, exchange);
    return head.headBytes + bodyBytes;
  }

  /** What came ahead of its turn waits until the request before it is answered. */
  private keep(bytes: Buffer, used: number): void {
    if (used < bytes.length) {
      this.socket.pause();
      this.socket.unshift(bytes.subarray(used));
      if (this.exchange === undefined) this.proceed();
    }
  }

  /** Reads on, but not from a client that does not read. */
  private proceed(): void {
    const { socket } = this;
    if (socket.writableNeedDrain) {
      socket.pause();
      socket.once("drain", () => socket.resume());
    } else if (socket.isPaused()) {
      socket.resume();
    }
  }

  private giveAway(bytes: Buffer): void {
    const { socket } = this;
    socket.setTimeout(0);
    socket.off("timeout", this.closeIfIdle).off("close", this.closed).off("data", this.read);
    socket.pause();
    socket.unshift(bytes);
    this.options.otherwise(socket);
    socket.resume();
  }
}
