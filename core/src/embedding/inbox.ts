/** What was sent and not taken yet, in order; asks the sender to pause when it holds too much. */
export class Inbox<T> implements AsyncIterable<T> {
  private items: T[] = [];
  private ended = false;
  private failure: unknown;
  private wake: (() => void) | undefined;
  private drained: (() => void) | undefined;

  constructor(
    private readonly limit: number,
    signal: AbortSignal,
  ) {
    signal.addEventListener("abort", () => this.end(undefined), { once: true });
  }

  /** False: please wait for the drain. */
  put(item: T): boolean {
    this.items.push(item);
    this.wake?.();
    return this.items.length < this.limit;
  }

  onDrain(listener: () => void): void {
    this.drained = listener;
  }

  /** Ends it once all was taken, with `failure` if there is one. */
  end(failure: unknown): void {
    if (this.ended) return;
    this.ended = true;
    this.failure = failure;
    this.wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T> {
    for (;;) {
      const items = this.items;
      this.items = [];
      if (items.length >= this.limit) this.drained?.();
      yield* items;
      if (this.items.length > 0) continue;
      if (this.ended) {
        if (this.failure !== undefined) throw this.failure;
        return;
      }
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
  }
}
