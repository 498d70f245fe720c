import { setTimeout as sleep } from "node:timers/promises";
import type { HeadListener } from "@etcd-adapter/core/storage";
import type { ConsulClient } from "./client.js";
import type { Keys } from "./keys.js";
import type { Tip } from "./tip.js";

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5_000;

/** Follows the head by blocking queries: each one answers when the head has moved, or when its wait is over. */
export class HeadWatch {
  readonly #client: ConsulClient;
  readonly #keys: Keys;
  readonly #tip: Tip;
  readonly #waitMs: number;
  readonly #listener: HeadListener;
  readonly #stop = new AbortController();
  #sequence = -1n;
  #index = 0;
  #failures = 0;

  constructor(client: ConsulClient, keys: Keys, tip: Tip, waitMs: number, listener: HeadListener) {
    this.#client = client;
    this.#keys = keys;
    this.#tip = tip;
    this.#waitMs = waitMs;
    this.#listener = listener;
  }

  /** Resolves once the first query was answered, or has failed and the listener knows. */
  async start(): Promise<void> {
    await this.#step();
    void this.#run();
  }

  stop(): void {
    this.#stop.abort();
  }

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      if (this.#failures > 0) await this.#pause();
      if (!this.#stop.signal.aborted) await this.#step();
    }
  }

  async #step(): Promise<void> {
    try {
      const { signal } = this.#stop;
      const { item, index } = await this.#client.wait(this.#keys.head, this.#index, this.#waitMs, signal);
      if (signal.aborted) return;
      const head = this.#tip.learnItem(item);
      // Consul's index may go backwards, after a restore say: then it says nothing and is asked for anew
      this.#index = index < this.#index ? 0 : Math.max(index, 1);
      const restored = this.#failures > 0;
      this.#failures = 0;
      if (restored || head.sequence !== this.#sequence) this.#listener.onMoved();
      this.#sequence = head.sequence;
    } catch (error) {
      if (this.#stop.signal.aborted) return;
      this.#index = 0;
      if (this.#failures++ === 0) this.#listener.onLost(error);
    }
  }

  async #pause(): Promise<void> {
    const longest = Math.min(FIRST_PAUSE_MS * 2 ** (this.#failures - 1), LONGEST_PAUSE_MS);
    // the jitter keeps many adapters from coming back at once
    await sleep(longest * (0.5 + Math.random() / 2), undefined, { signal: this.#stop.signal }).catch(
      () => {},
    );
  }
}
