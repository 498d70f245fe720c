import type { HeadListener } from "@etcd-adapter/core/storage";
import type { Connection } from "./connection.js";
import type { Paths } from "./paths.js";
import type { Session } from "./session.js";
import type { Tip } from "./tip.js";

/** Between attempts to arm the watch on a connection that is up and refuses it. */
const RETRY_MS = 1_000;

/**
 * Follows the head by a data watch. A watch fires once; the same request reads the head and arms the next
 * one, so what was written in between is seen in what it reads.
 */
export class HeadWatch {
  readonly #session: Session;
  readonly #paths: Paths;
  readonly #tip: Tip;
  readonly #listener: HeadListener;
  #sequence = -1n;
  #lost = false;
  #stopped = false;
  #ignore = () => {};
  #retry: NodeJS.Timeout | undefined;

  constructor(session: Session, paths: Paths, tip: Tip, listener: HeadListener) {
    this.#session = session;
    this.#paths = paths;
    this.#tip = tip;
    this.#listener = listener;
  }

  start(): void {
    this.#ignore = this.#session.listen({
      connected: (connection) => void this.#arm(connection),
      lost: (cause) => this.#lose(cause),
    });
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#retry);
    this.#ignore();
  }

  async #arm(connection: Connection): Promise<void> {
    try {
      const head = await connection.get(this.#paths.head, () => this.#onChange(connection));
      if (this.#stopped) return;
      const { sequence } = this.#tip.learnData(head?.data);
      const moved = sequence > this.#sequence;
      const restored = this.#lost;
      this.#lost = false;
      this.#sequence = sequence;
      if (moved || restored) this.#listener.onMoved();
    } catch (error) {
      this.#lose(error);
      if (this.#stopped) return;
      clearTimeout(this.#retry);
      this.#retry = setTimeout(() => {
        // a connection that has ended is followed by another, which arms the watch itself
        if (!connection.hasEnded) void this.#arm(connection);
      }, RETRY_MS);
    }
  }

  #onChange(connection: Connection): void {
    if (this.#stopped) return;
    // one append is behind it at least: whoever reads the log at once need not be woken for that one again
    this.#sequence += 1n;
    this.#listener.onMoved();
    void this.#arm(connection);
  }

  #lose(cause: unknown): void {
    if (this.#stopped || this.#lost) return;
    this.#lost = true;
    this.#listener.onLost(cause);
  }
}
