import { ConnectionLost, UnknownCode } from "./errors.js";

export type Done<T> = (error: unknown, value?: T) => void;

interface Request {
  readonly sinceMs: number;
  reject(error: unknown): void;
}

/** The requests of one connection that have no answer yet, in their order, which is that of the answers. */
export class Requests {
  readonly #pending = new Set<Request>();

  send<T>(send: (done: Done<T>) => void): Promise<T> {
    return new Promise((resolve, reject) => {
      const request: Request = { sinceMs: performance.now(), reject };
      this.#pending.add(request);
      const done: Done<T> = (error, value) => {
        this.#pending.delete(request);
        if (error) reject(error);
        else resolve(value as T);
      };
      try {
        send(done);
      } catch (error) {
        // the library asserts sizes and paths synchronously
        done(error);
      }
    });
  }

  /** How long the oldest has been waiting; 0 when there is none. */
  waitingMs(nowMs: number): number {
    const [oldest] = this.#pending;
    return oldest === undefined ? 0 : nowMs - oldest.sinceMs;
  }

  /**
   * What the library threw while it handled an answer belongs to the oldest request. False if it is no error
   * code, and so says nothing about the request.
   */
  rejectOldest(error: unknown): boolean {
    const code = /^Unknown code: (-?\d+)$/.exec(messageOf(error))?.[1];
    const [oldest] = this.#pending;
    if (code === undefined || oldest === undefined) return false;
    this.#pending.delete(oldest);
    oldest.reject(new UnknownCode(Number(code)));
    return true;
  }

  /** For those that the library did not answer when the connection ended: it had not sent them. */
  rejectUnsent(cause: unknown): void {
    for (const { reject } of this.#pending) reject(notSent(cause));
    this.#pending.clear();
  }
}

export function notSent(cause: unknown): ConnectionLost {
  return new ConnectionLost(messageOf(cause), false, { cause });
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
