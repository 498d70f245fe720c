import { setTimeout as sleep } from "node:timers/promises";
import { StorageError } from "@etcd-adapter/core/storage";
import { Connection, type ConnectionSettings } from "./connection.js";
import { ConnectionLost, codeOf, fromZooKeeper, type Purpose } from "./errors.js";
import type { Server } from "./options.js";

const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 2_000;

export interface SessionListener {
  connected(connection: Connection): void;
  lost(cause: unknown): void;
}

/**
 * Keeps one connection to one of the servers, and makes a new one whenever it ends. Expired sessions need no
 * care of their own: every connection begins a session. It never goes back in time, since each one tells the
 * newest transaction that the one before has seen.
 */
export class Session {
  readonly #servers: readonly Server[];
  readonly #settings: ConnectionSettings;
  readonly #listeners = new Set<SessionListener>();
  readonly #stop = new AbortController();
  #next: PromiseWithResolve = newPromise();
  #connection: Connection | undefined;
  #zxid: Buffer | undefined;
  #running: Promise<void> | undefined;

  constructor(servers: readonly Server[], settings: ConnectionSettings) {
    // not all adapters at the first server
    const first = Math.floor(Math.random() * servers.length);
    this.#servers = [...servers.slice(first), ...servers.slice(0, first)];
    this.#settings = settings;
  }

  /** Rejects when none of the servers gives a session. */
  async start(): Promise<void> {
    let failure: unknown;
    for (const server of this.#servers) {
      try {
        this.#adopt(await Connection.open(server, this.#settings, { signal: this.#stop.signal }));
        this.#running = this.#maintain();
        return;
      } catch (error) {
        failure = error;
      }
    }
    throw failure;
  }

  async close(): Promise<void> {
    if (this.#stop.signal.aborted) return;
    this.#stop.abort();
    this.#next.reject(closed());
    await this.#connection?.close();
    await this.#running;
  }

  /**
   * Runs requests on the connection. While there is none, it waits for the attempt to connect that is under
   * way, and no longer: the caller knows how long the request may take, and retries.
   */
  async run<T>(purpose: Purpose, use: (connection: Connection) => Promise<T>): Promise<T> {
    if (this.#stop.signal.aborted) throw closed();
    try {
      return await use(this.#connection ?? (await this.#next.promise));
    } catch (error) {
      if (this.#stop.signal.aborted) throw closed(error);
      throw fromZooKeeper(error, purpose);
    }
  }

  /** Tells of the present connection, and of every one to come. */
  listen(listener: SessionListener): () => void {
    this.#listeners.add(listener);
    if (this.#connection) listener.connected(this.#connection);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  async #maintain(): Promise<void> {
    const { signal } = this.#stop;
    for (let failures = 0, turn = 1; !signal.aborted; turn++) {
      if (this.#connection) {
        const cause = await this.#connection.ended;
        this.#drop(cause);
        failures = 0;
        continue;
      }
      if (failures >= this.#servers.length) await pause(failures - this.#servers.length, signal);
      if (signal.aborted) return;
      try {
        const connection = await Connection.open(
          this.#servers[turn % this.#servers.length]!,
          this.#settings,
          { signal, zxid: this.#zxid },
        );
        this.#adopt(connection);
      } catch (error) {
        failures++;
        this.#fail(error);
      }
    }
  }

  #adopt(connection: Connection): void {
    if (this.#stop.signal.aborted) {
      connection.end(undefined);
      throw closed();
    }
    this.#connection = connection;
    this.#next.resolve(connection);
    for (const listener of this.#listeners) listener.connected(connection);
  }

  #drop(cause: unknown): void {
    this.#zxid = this.#connection?.zxid;
    this.#connection = undefined;
    this.#next = newPromise();
    if (this.#stop.signal.aborted) this.#next.reject(closed());
    else for (const listener of this.#listeners) listener.lost(cause);
  }

  #fail(error: unknown): void {
    const waiting = this.#next;
    this.#next = newPromise();
    waiting.reject(
      error instanceof ConnectionLost || codeOf(error) !== undefined
        ? error
        : new ConnectionLost(String(error), false),
    );
  }
}

interface PromiseWithResolve {
  readonly promise: Promise<Connection>;
  resolve(connection: Connection): void;
  reject(error: unknown): void;
}

function newPromise(): PromiseWithResolve {
  let settle: Pick<PromiseWithResolve, "resolve" | "reject"> | undefined;
  const promise = new Promise<Connection>((resolve, reject) => {
    settle = { resolve, reject };
  });
  // often nobody waits for it
  promise.catch(() => {});
  return { promise, ...settle! };
}

async function pause(round: number, signal: AbortSignal): Promise<void> {
  const longest = Math.min(FIRST_PAUSE_MS * 2 ** Math.min(round, 10), LONGEST_PAUSE_MS);
  // the jitter keeps many adapters from coming back at once
  await sleep(longest * (0.5 + Math.random() / 2), undefined, { signal }).catch(() => {});
}

function closed(cause?: unknown): StorageError {
  return new StorageError("closed", "the storage was closed", { cause });
}
