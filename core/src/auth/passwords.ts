import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import { EtcdError } from "../errors.js";
import type { Answer, Job } from "./bcrypt-worker.js";

/** bcrypt reads no further; etcd refuses to hash more, but compares what there is. */
const MAX_PASSWORD_BYTES = 72;
const MAX_WAITING = 1_000;
const MAX_THREADS = 4;

interface Waiting {
  readonly job: Job;
  readonly signal: AbortSignal | undefined;
  resolve(value: string | boolean): void;
  reject(error: unknown): void;
}

/** A password that is too long to be hashed. */
export function checkPasswordLength(password: string): void {
  if (Buffer.byteLength(password) > MAX_PASSWORD_BYTES) throw new EtcdError("passwordTooLong");
}

/**
 * bcrypt in threads of its own: one hash takes a tenth of a second and more, which no other request may be made
 * to wait. Threads start when they are first needed, and leave the event loop's core to it.
 */
export class Passwords {
  private readonly idle: Worker[] = [];
  private readonly threads = new Map<Worker, Waiting | undefined>();
  private queue: Waiting[] = [];
  private closed = false;

  constructor(
    private readonly cost: number,
    private readonly maxThreads = Math.max(1, Math.min(MAX_THREADS, availableParallelism() - 1)),
  ) {}

  async hash(password: string, signal?: AbortSignal): Promise<Buffer> {
    checkPasswordLength(password);
    return Buffer.from(String(await this.run({ kind: "hash", password, cost: this.cost }, signal)), "latin1");
  }

  async matches(password: string, hash: Buffer, signal?: AbortSignal): Promise<boolean> {
    const job: Job = { kind: "compare", password, hash: hash.toString("latin1") };
    return (await this.run(job, signal)) === true;
  }

  async close(): Promise<void> {
    this.closed = true;
    for (const waiting of this.queue) waiting.reject(new EtcdError("stopped"));
    this.queue = [];
    await Promise.all(Array.from(this.threads.keys(), (thread) => thread.terminate()));
  }

  private run(job: Job, signal: AbortSignal | undefined): Promise<string | boolean> {
    if (this.closed) return Promise.reject(new EtcdError("stopped"));
    if (this.queue.length >= MAX_WAITING) return Promise.reject(new EtcdError("tooManyRequests"));
    return new Promise((resolve, reject) => {
      this.queue.push({ job, signal, resolve, reject });
      this.next();
    });
  }

  private next(): void {
    // Who has gone away meanwhile is not worth a thread's time.
    while (this.queue[0]?.signal?.aborted) this.queue.shift()!.reject(new EtcdError("stopped"));
    if (this.queue.length === 0) return;
    const thread = this.idle.pop() ?? (this.threads.size < this.maxThreads ? this.start() : undefined);
    if (!thread) return;
    const waiting = this.queue.shift()!;
    this.threads.set(thread, waiting);
    thread.postMessage(waiting.job);
  }

  private start(): Worker {
    const thread = new Worker(new URL("./bcrypt-worker.js", import.meta.url));
    thread.unref();
    this.threads.set(thread, undefined);
    thread.on("message", (answer: Answer) => {
      const waiting = this.threads.get(thread);
      this.threads.set(thread, undefined);
      this.idle.push(thread);
      if ("value" in answer) waiting?.resolve(answer.value);
      else waiting?.reject(new Error(answer.problem));
      this.next();
    });
    thread.on("error", (error) => this.lose(thread, error));
    thread.on("exit", () => this.lose(thread, new EtcdError("stopped")));
    return thread;
  }

  private lose(thread: Worker, cause: unknown): void {
    if (!this.threads.has(thread)) return;
    this.threads.get(thread)?.reject(cause);
    this.threads.delete(thread);
    const index = this.idle.indexOf(thread);
    if (index >= 0) this.idle.splice(index, 1);
    if (!this.closed) this.next();
  }
}
