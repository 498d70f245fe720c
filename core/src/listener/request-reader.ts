/**
 * The requests of a stream as an iterable that pulls: nothing is read ahead of whoever iterates, but what the
 * transport itself has buffered.
 */
export abstract class RequestReader<T> implements AsyncIterable<T>, AsyncIterator<T, undefined> {
  private waiting:
    | { resolve(result: IteratorResult<T, undefined>): void; reject(error: Error): void }
    | undefined;
  private failure: Error | undefined;
  private returned = false;

  [Symbol.asyncIterator](): AsyncIterator<T, undefined> {
    return this;
  }

  async next(): Promise<IteratorResult<T, undefined>> {
    if (this.failure !== undefined) {
      throw this.failure;
    }
    const result = this.returned ? DONE : this.poll();
    if (result !== undefined) {
      return result;
    }
    return new Promise((resolve, reject) => {
      this.waiting = { resolve, reject };
    });
  }

  /** Leaving the loop leaves the call open: the handler may go on sending. */
  async return(): Promise<IteratorResult<T, undefined>> {
    this.returned = true;
    return DONE;
  }

  fail(error: Error): void {
    this.failure ??= error;
    this.settle()?.reject(error);
  }

  /** The next request, the end, or undefined when the transport must deliver more first. */
  protected abstract poll(): IteratorResult<T, undefined> | undefined;

  /** To be called when `poll` may have an answer. */
  protected wake(): void {
    if (this.waiting === undefined) {
      return;
    }
    try {
      const result = this.poll();
      if (result !== undefined) {
        this.settle()?.resolve(result);
      }
    } catch (error) {
      this.fail(error as Error);
    }
  }

  private settle() {
    const { waiting } = this;
    this.waiting = undefined;
    return waiting;
  }
}

export const DONE: IteratorReturnResult<undefined> = { done: true, value: undefined };
