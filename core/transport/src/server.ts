/** A gRPC server on sockets that somebody else accepts. */
import type { Socket } from "node:net";
import { BusyPoll } from "./connection/busy-poll.js";
import { Connection, type ConnectionContext } from "./connection/connection.js";
import { BlockPool, Flusher } from "./framing/blocks.js";
import { DEFAULT_OPTIONS, type Options } from "./options.js";
import { Router } from "./router.js";
import type { OtherHandler, Services } from "./service.js";

export class GrpcServer {
  private readonly context: ConnectionContext;
  private readonly connections = new Set<Connection>();
  private readonly timer: NodeJS.Timeout;
  private onEmpty: (() => void) | undefined;

  constructor(services: Services, options: Partial<Options> = {}) {
    const all = { ...DEFAULT_OPTIONS, ...options };
    const busyPoll = new BusyPoll(all.busyPollMs);
    this.context = {
      options: all,
      router: new Router(services),
      pool: new BlockPool(),
      flusher: new Flusher(() => busyPoll.flushed()),
      busyPoll,
    };
    this.timer = setInterval(() => this.tick(all.tickMs), all.tickMs);
    this.timer.unref();
  }

  get connectionCount(): number {
    return this.connections.size;
  }

  /**
   * Serves HTTP/2 on a connected socket: TCP or Unix with prior knowledge, or TLS that agreed on `h2`. What was
   * read from it to find that out has to be put back by `unshift`, and no `data` or `readable` listener be left.
   * With `onOther`, requests that are not gRPC are its to answer; they are refused with 415 else.
   */
  accept(socket: Socket, onOther?: OtherHandler): void {
    socket.setNoDelay(true);
    const connection = new Connection(socket, this.context, (closed) => this.remove(closed), onOther);
    this.connections.add(connection);
    socket.on("data", (chunk: Buffer) => connection.receive(chunk));
    // a client that ends its half of the socket is gone: HTTP/2 has other ways to say that no request follows
    socket.on("end", () => socket.destroy());
    socket.on("error", () => socket.destroy());
    socket.on("close", () => connection.closed());
    socket.resume();
  }

  /** Resolves when the calls in progress are over and their connections closed; clients are told to go elsewhere. */
  drain(): Promise<void> {
    for (const connection of this.connections) connection.drain();
    return new Promise((resolve) => {
      if (this.connections.size === 0) resolve();
      else this.onEmpty = resolve;
    });
  }

  /** Ends what is left. */
  close(): void {
    for (const connection of this.connections) connection.stop();
  }

  private remove(connection: Connection): void {
    this.connections.delete(connection);
    if (this.connections.size === 0) this.onEmpty?.();
  }

  private tick(ms: number): void {
    for (const connection of this.connections) connection.tick(ms);
  }
}
