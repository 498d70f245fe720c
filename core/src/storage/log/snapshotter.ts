import { StorageError } from "../errors.js";
import type { LogStorage } from "../log-storage.js";
import type { Dump } from "./dump.js";
import { encodeSnapshot } from "./snapshot.js";
import type { State } from "./state.js";

/** Writes snapshots in the background, one at a time, and then removes the segments that nobody needs. */
export class Snapshotter {
  readonly #log: LogStorage;
  readonly #onError: (error: unknown) => void;
  #running: Promise<void> | undefined;
  #stopped = false;

  constructor(log: LogStorage, onError: (error: unknown) => void) {
    this.#log = log;
    this.#onError = onError;
  }

  /** While one is being written, another would be of little use: the next mark asks again. */
  start(state: State): void {
    if (this.#stopped || this.#running !== undefined) return;
    this.#running = this.#write(state.capture())
      .catch((error) => {
        if (!this.#stopped) this.#onError(error);
      })
      .finally(() => {
        this.#running = undefined;
      });
  }

  /** Resolves when none is being written. */
  async settled(): Promise<void> {
    await this.#running;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
  }

  /** The margin for readers that lag is the whole interval between the last two marks. */
  async #write(dump: Dump): Promise<void> {
    const { head, marks } = dump.header;
    await this.#log.saveSnapshot({ sequence: head.sequence, chunks: this.#chunks(dump) });
    if (marks.before > 0) await this.#log.trim(BigInt(marks.before));
  }

  async *#chunks(dump: Dump): AsyncGenerator<Buffer> {
    for await (const chunk of encodeSnapshot(dump)) {
      if (this.#stopped) throw new StorageError("closed", "The storage was closed");
      yield chunk;
    }
  }
}
