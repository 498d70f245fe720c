import { Worker } from "node:worker_threads";
import { StorageError } from "@etcd-adapter/core/storage";
import type { FileSettings } from "./connection.js";
import { Failure } from "./failure.js";
import type { Operations } from "./operations.js";
import type { Reply, Request } from "./worker.js";

interface Pending {
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

/** The main thread's side of a worker thread. One that ends by itself is started again by the next call. */
export class Thread {
  private worker: Worker | undefined;
  private readonly pending = new Map<number, Pending>();
  private nextId = 0;
  private closed = false;

  constructor(
    private readonly settings: FileSettings,
    private readonly onDied: (cause: unknown) => void,
  ) {}

  /** Also done by the first call. */
  start(): Worker {
    if (this.closed) throw new StorageError("closed", "the storage was closed");
    if (this.worker) return this.worker;
    const worker = new Worker(new URL("./worker.js", import.meta.url), { workerData: this.settings });
    let cause: unknown;
    worker.on("message", (reply: Reply) => this.settle(reply));
    worker.on("error", (error) => {
      cause = error;
    });
    worker.on("exit", (code) => this.ended(worker, cause ?? new Error(`exit code ${code}`)));
    this.worker = worker;
    return worker;
  }

  async call<K extends keyof Operations>(
    name: K,
    ...parameters: Parameters<Operations[K]>
  ): Promise<ReturnType<Operations[K]>> {
    const worker = this.start();
    const id = this.nextId++;
    return new Promise((resolve, reject) => {
      this.pending.set(id, { resolve: resolve as Pending["resolve"], reject });
      const request: Request = { id, name, parameters };
      worker.postMessage(request);
    });
  }

  /** Ends the thread after the calls that it was given. */
  async close(): Promise<void> {
    this.closed = true;
    const { worker } = this;
    if (!worker) return;
    const ended = new Promise((resolve) => worker.once("exit", resolve));
    worker.postMessage("close");
    await ended;
  }

  private settle(reply: Reply): void {
    const pending = this.pending.get(reply.id);
    this.pending.delete(reply.id);
    if ("value" in reply) pending?.resolve(reply.value);
    else pending?.reject(new Failure(reply.code, reply.message));
  }

  private ended(worker: Worker, cause: unknown): void {
    if (this.worker !== worker) return;
    this.worker = undefined;
    const lost = [...this.pending.values()];
    this.pending.clear();
    if (!this.closed) this.onDied(cause);
    for (const { reject } of lost) reject(new Failure("WORKER_DIED", "a worker thread ended", { cause }));
  }
}
