import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

export interface Target {
  readonly host: string;
  readonly port: number;
}

interface Pair {
  readonly near: Socket;
  readonly far: Socket;
  /** Bytes of it were lost, so it can't go on. */
  lossy: boolean;
}

/** What becomes of the bytes. `deaf`: requests arrive, their answers never come back. */
export type Weather = "fair" | "cut" | "stalled" | "deaf";

/** A TCP connection's middle man under the test's control. */
export class FaultProxy {
  private readonly pairs = new Set<Pair>();
  private weather: Weather = "fair";
  private delayMs = 0;
  private clearing: { promise: Promise<void>; resolve: () => void } | undefined;

  private constructor(
    private readonly server: Server,
    private readonly target: Target,
  ) {
    server.on("connection", (socket) => this.join(socket));
  }

  static async start(target: Target): Promise<FaultProxy> {
    const server = createServer({ allowHalfOpen: true, noDelay: true });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return new FaultProxy(server, target);
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  /** The URL of a database, by way of this proxy. */
  through(url: string): string {
    return url.replace(/@[^/]*\//, `@127.0.0.1:${this.port}/`);
  }

  /** Resets every connection. New ones are let in. */
  interrupt(): void {
    for (const pair of this.pairs) this.reset(pair);
  }

  /** Resets every connection, and each new one. */
  cut(): void {
    this.weather = "cut";
    this.interrupt();
  }

  /** Holds every byte back, of new connections too, until `heal`. */
  stall(): void {
    this.weather = "stalled";
    let resolve!: () => void;
    const promise = new Promise<void>((done) => {
      resolve = done;
    });
    this.clearing ??= { promise, resolve };
  }

  /** Lets requests through and loses the answers: the sender can't know what became of them. */
  deafen(): void {
    this.weather = "deaf";
  }

  delay(ms: number): void {
    this.delayMs = ms;
  }

  heal(): void {
    this.weather = "fair";
    this.delayMs = 0;
    this.clearing?.resolve();
    this.clearing = undefined;
    for (const pair of this.pairs) if (pair.lossy) this.reset(pair);
  }

  async close(): Promise<void> {
    this.heal();
    this.interrupt();
    this.server.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  private join(near: Socket): void {
    if (this.weather === "cut") {
      near.on("error", () => {});
      near.resetAndDestroy();
      return;
    }
    const far = connect({ ...this.target, allowHalfOpen: true, noDelay: true });
    const pair: Pair = { near, far, lossy: false };
    this.pairs.add(pair);
    this.carry(near, far, () => true);
    this.carry(far, near, () => {
      if (this.weather === "deaf") pair.lossy = true;
      return !pair.lossy;
    });
    for (const socket of [near, far]) {
      socket.on("error", () => this.reset(pair));
      socket.on("close", () => this.reset(pair));
    }
  }

  /** Bytes go on in their order, each after the delay that held when it came. */
  private carry(from: Socket, to: Socket, mayPass: () => boolean): void {
    let tail = Promise.resolve();
    const queue = (act: () => void) => {
      const due = performance.now() + this.delayMs;
      tail = tail.then(async () => {
        const left = due - performance.now();
        if (left > 0) await sleep(left);
        await this.clearing?.promise;
        if (!to.destroyed && mayPass()) act();
      });
    };
    from.on("data", (chunk) => queue(() => to.write(chunk)));
    from.on("end", () => queue(() => to.end()));
  }

  private reset(pair: Pair): void {
    this.pairs.delete(pair);
    for (const socket of [pair.near, pair.far]) {
      if (socket.destroyed) continue;
      // A reset of one that was ended, too, leaves its handle open for ever: Node 20 then never exits.
      if (socket.writableEnded) socket.destroy();
      else socket.resetAndDestroy();
    }
  }
}
