import { nextTick } from "node:process";
import type { ACL, Client } from "node-zookeeper-client";
import { Code, ConnectionLost, codeOf, UnknownCode } from "./errors.js";
import { type ConnectionManager, ConnectionState, newClient } from "./library.js";
import type { Server } from "./options.js";
import { type Done, messageOf, notSent, Requests } from "./requests.js";

export interface ConnectionSettings {
  readonly sessionTimeoutMs: number;
  readonly requestTimeoutMs: number;
  readonly auth: string | undefined;
  readonly acl: ACL[];
}

export interface Resume {
  readonly signal: AbortSignal;
  /** Of the connection before: a server that has not come so far refuses the session. */
  readonly zxid?: Buffer | undefined;
}

export type Operation =
  | { readonly do: "create" | "set"; readonly path: string; readonly data: Buffer }
  | { readonly do: "check" | "remove"; readonly path: string };

/** The first operation that failed, for which all of them were undone. */
export interface Failure {
  readonly index: number;
  readonly code: number;
}

export interface Znode {
  readonly data: Buffer;
  readonly version: number;
}

/** How long a socket that was asked to end the session may take to do so. */
const FAREWELL_MS = 500;

/** One TCP connection with one session. It is never mended: whoever needs another makes a new one. */
export class Connection {
  readonly #client: Client;
  readonly #manager: ConnectionManager;
  readonly #settings: ConnectionSettings;
  readonly #requests = new Requests();
  readonly #heartbeat: NodeJS.Timeout;
  #lastBytes = performance.now();
  #lastCheck = performance.now();
  #ended = false;
  #cause: unknown;
  /** Resolves with the reason once the connection has ended. */
  readonly ended: Promise<unknown>;

  private constructor(server: Server, settings: ConnectionSettings, zxid: Buffer | undefined) {
    this.#settings = settings;
    const { client, manager } = newClient({
      server,
      sessionTimeoutMs: settings.sessionTimeoutMs,
      auth: settings.auth,
      zxid,
      onBytes: () => {
        this.#lastBytes = performance.now();
      },
      onThrown: (error) => {
        if (!this.#requests.rejectOldest(error)) this.end(error);
      },
    });
    this.#client = client;
    this.#manager = manager;
    this.ended = new Promise((resolve) => {
      manager.on("state", (state: number) => {
        if (state === ConnectionState.AUTHENTICATION_FAILED) this.#cause = new UnknownCode(state);
        if (state === ConnectionState.DISCONNECTED) resolve(this.#end());
      });
    });
    this.#heartbeat = setInterval(() => this.#checkAlive(), this.#checkPeriodMs());
    // the library makes the socket in the tick after
    nextTick(() => manager.socket?.on("error", (error) => this.end(error)));
  }

  /** Rejects when there is no session within a third of its time-out, or when the signal ends it. */
  static async open(server: Server, settings: ConnectionSettings, resume: Resume): Promise<Connection> {
    const connection = new Connection(server, settings, resume.zxid);
    const timeoutMs = Math.max(1_000, settings.sessionTimeoutMs / 3);
    const timer = setTimeout(() => connection.end(new Error(`no session within ${timeoutMs} ms`)), timeoutMs);
    const abort = () => connection.end(new Error("the connection is no longer wanted"));
    resume.signal.addEventListener("abort", abort);
    try {
      const connected = new Promise<true>((resolve) => {
        connection.#manager.on("state", (state: number) => {
          if (state === ConnectionState.CONNECTED) resolve(true);
        });
      });
      const cause = await Promise.race([connected, connection.ended]);
      if (cause === true) return connection;
      throw new ConnectionLost(`${server.host}:${server.port}: ${messageOf(cause)}`, false, { cause });
    } finally {
      clearTimeout(timer);
      resume.signal.removeEventListener("abort", abort);
    }
  }

  get hasEnded(): boolean {
    return this.#ended;
  }

  get zxid(): Buffer {
    return this.#manager.zxid;
  }

  /** undefined when there is no such znode. `onChange` is called once, at its next change. */
  async get(path: string, onChange?: () => void): Promise<Znode | undefined> {
    return this.#request<Znode | undefined>((done) => {
      const answer = (error: unknown, data?: Buffer, stat?: { version: number }) =>
        error
          ? codeOf(error) === Code.NO_NODE
            ? done(undefined, undefined)
            : done(error)
          : done(undefined, { data: data ?? EMPTY, version: stat?.version ?? 0 });
      if (onChange) this.#client.getData(path, onChange, answer);
      else this.#client.getData(path, answer);
    });
  }

  create(path: string, data: Buffer): Promise<void> {
    return this.#request((done) =>
      this.#client.create(path, data, this.#settings.acl, (error) => done(error ?? undefined)),
    );
  }

  /** `version` -1 is any. */
  set(path: string, data: Buffer, version = -1): Promise<void> {
    return this.#request((done) =>
      this.#client.setData(path, data, version, (error) => done(error ?? undefined)),
    );
  }

  children(path: string): Promise<string[]> {
    return this.#request((done) =>
      this.#client.getChildren(path, (error, names) => done(error ?? undefined, names)),
    );
  }

  /** All or nothing. Versions are left out: the library takes version 0 for any version here. */
  multi(operations: readonly Operation[]): Promise<Failure | undefined> {
    return this.#request((done) => {
      const transaction = this.#client.transaction();
      for (const operation of operations) {
        if (operation.do === "create") transaction.create(operation.path, operation.data, this.#settings.acl);
        else if (operation.do === "set") transaction.setData(operation.path, operation.data);
        else if (operation.do === "check") transaction.check(operation.path);
        else transaction.remove(operation.path);
      }
      transaction.commit((error, results: unknown) => {
        const failure = failureIn(results);
        if (failure) done(undefined, failure);
        else done(error ?? undefined);
      });
    });
  }

  /** Ends it at once; what is outstanding fails. */
  end(cause: unknown): void {
    this.#cause ??= cause;
    if (this.#manager.connectTimeoutHandler) clearTimeout(this.#manager.connectTimeoutHandler);
    if (this.#manager.socket) this.#manager.socket.destroy();
    else nextTick(() => this.#manager.socket?.destroy());
  }

  /** Ends the session too, so that the server need not wait for its time-out. */
  async close(): Promise<void> {
    if (this.#ended) return;
    this.#cause ??= new Error("the connection was closed");
    this.#client.close();
    const timer = setTimeout(() => this.end(undefined), FAREWELL_MS);
    await this.ended;
    clearTimeout(timer);
  }

  #request<T>(send: (done: Done<T>) => void): Promise<T> {
    return this.#ended ? Promise.reject(notSent(this.#cause)) : this.#requests.send(send);
  }

  /** The library sends pings, and does not look whether they are answered. */
  #checkAlive(): void {
    const now = performance.now();
    const late = now - this.#lastCheck > 2 * this.#checkPeriodMs();
    this.#lastCheck = now;
    // when this process itself has stood still, what has arrived meanwhile is read only after the timers
    if (late) return;
    const silentMs = now - this.#lastBytes;
    if (silentMs > (this.#manager.getSessionTimeout() * 2) / 3)
      this.end(new Error(`ZooKeeper is silent for ${Math.round(silentMs)} ms`));
    else if (this.#requests.waitingMs(now) > this.#settings.requestTimeoutMs)
      this.end(new Error(`no answer within ${this.#settings.requestTimeoutMs} ms`));
  }

  #checkPeriodMs(): number {
    return Math.min(this.#settings.sessionTimeoutMs / 6, this.#settings.requestTimeoutMs / 4);
  }

  /** The library has failed what it had sent, and forgets what still waited in its queue. */
  #end(): unknown {
    this.#ended = true;
    clearInterval(this.#heartbeat);
    this.#cause ??= new Error("ZooKeeper ended the connection");
    this.#requests.rejectUnsent(this.#cause);
    return this.#cause;
  }
}

const EMPTY = Buffer.alloc(0);

function failureIn(results: unknown): Failure | undefined {
  if (!Array.isArray(results)) return undefined;
  const codes = results.map((result: { err?: number }) => result.err ?? 0);
  const index = codes.findIndex((code) => code !== 0);
  return index < 0 ? undefined : { index, code: codes[index]! };
}
