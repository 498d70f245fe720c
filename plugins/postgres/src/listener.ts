import { setTimeout as delay } from "node:timers/promises";
import type { HeadListener } from "@etcd-adapter/core/storage";
import { type Connect, ConnectionDropped } from "@etcd-adapter/core/storage/sql";
import type { Connection } from "./connection.js";

const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 5_000;
/** A connection that has silently gone away is noticed by a question. */
const PROBE_MS = 5_000;

interface Listening {
  readonly connection: Connection;
  readonly lost: Promise<void>;
}

/** An adapter of before 0.2 tells none. */
function sequenceIn(payload: string): bigint | undefined {
  return /^\d+$/.test(payload) ? BigInt(payload) : undefined;
}

/** LISTEN on a connection of its own, which is made again when it is lost. */
export class Listener {
  private readonly ended = new AbortController();
  private listening: Listening | undefined;

  constructor(
    private readonly connect: Connect<Connection>,
    private readonly channel: string,
    private readonly listener: HeadListener,
    private readonly timeoutMs: number,
  ) {}

  /** Listens when it resolves, or has told the listener that it does not yet. */
  async start(): Promise<void> {
    try {
      this.listening = await this.listen();
    } catch (error) {
      this.listener.onLost(error);
    }
    void this.supervise();
  }

  async end(): Promise<void> {
    this.ended.abort();
    const { listening } = this;
    this.listening = undefined;
    await listening?.connection.end().catch(() => {});
  }

  private async supervise(): Promise<void> {
    for (let retryMs = FIRST_RETRY_MS; !this.ended.signal.aborted; ) {
      if (this.listening) {
        await this.listening.lost;
        if (this.ended.signal.aborted) return;
        this.listening = undefined;
        this.listener.onLost(new ConnectionDropped("the listener's connection was lost"));
        retryMs = FIRST_RETRY_MS;
      }
      await delay(retryMs, undefined, { ref: false });
      retryMs = Math.min(2 * retryMs, LAST_RETRY_MS);
      if (this.ended.signal.aborted) return;
      const listening = await this.listen().catch(() => undefined);
      if (this.ended.signal.aborted) return void listening?.connection.end().catch(() => {});
      this.listening = listening;
      // What was committed in the meantime was told to nobody here.
      if (listening) this.listener.onMoved();
    }
  }

  private async listen(): Promise<Listening> {
    let onLost: () => void = () => {};
    const lost = new Promise<void>((resolve) => {
      onLost = resolve;
    });
    const connection = await this.connect(onLost);
    connection.onNotification((payload) => {
      if (!this.ended.signal.aborted) this.listener.onMoved(sequenceIn(payload));
    });
    const probe = setInterval(() => void this.probe(connection), PROBE_MS);
    probe.unref();
    void lost.then(() => clearInterval(probe));
    try {
      await connection.run(`listen ${this.channel}`);
    } catch (error) {
      connection.destroy(error as Error);
      throw error;
    }
    return { connection, lost };
  }

  private async probe(connection: Connection): Promise<void> {
    const timer = setTimeout(
      () => connection.destroy(new ConnectionDropped("the listener's connection is silent")),
      this.timeoutMs,
    );
    await connection.run("select 1").catch(() => {});
    clearTimeout(timer);
  }
}
