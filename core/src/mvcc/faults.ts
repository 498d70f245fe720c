import { EtcdError } from "../errors.js";
import { asStorageError, isStorageError, type StorageError } from "../storage/index.js";

/** What a client is told of a storage's error; the error itself when it is none of its business. */
export function clientError(error: unknown): unknown {
  if (error instanceof EtcdError) return error;
  const problem: StorageError = asStorageError(error);
  switch (problem.code) {
    case "compacted":
      return new EtcdError("compacted", { cause: problem });
    case "future":
      return new EtcdError("futureRevision", { cause: problem });
    case "full":
      return new EtcdError("noSpace", { cause: problem });
    case "closed":
      return new EtcdError("stopped", { cause: problem });
    case "corrupt":
      return new EtcdError("corrupt", { cause: problem });
    case "unavailable":
    case "uncertain":
      return new EtcdError("timeout", { cause: problem });
    default:
      return problem;
  }
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Doubling waits between tries. */
export class Backoff {
  private nextMs: number;

  constructor(
    firstMs = 5,
    private readonly lastMs = 500,
  ) {
    this.nextMs = firstMs;
  }

  async wait(): Promise<void> {
    await pause(this.nextMs);
    this.nextMs = Math.min(this.nextMs * 2, this.lastMs);
  }
}

/** A read, tried again while the storage can't be reached, until etcd's request time-out. */
export async function retryRead<T>(timeoutMs: number, read: () => Promise<T>): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  const backoff = new Backoff();
  for (;;) {
    try {
      return await read();
    } catch (error) {
      if (!isStorageError(error, "unavailable") || performance.now() >= deadline) throw clientError(error);
      await backoff.wait();
    }
  }
}
