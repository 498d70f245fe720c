/**
 * Sleeping until the next request and being woken up takes longer than a quick client on the same machine takes to send it. So
 * while the last request came at once, the event loop stays awake for a moment after an answer.
 */
export class BusyPoll {
  private flushedMs = Number.NEGATIVE_INFINITY;
  private pays = false;
  private isAwake = false;

  /** `windowMs`: how long the loop stays awake, and in what time a request has to come for that to pay. 0: never. */
  constructor(private readonly windowMs: number) {}

  /** Something came from a client. */
  heard(): void {
    this.pays = performance.now() - this.flushedMs < this.windowMs;
    this.flushedMs = Number.NEGATIVE_INFINITY;
  }

  /** What there was to say is written. */
  flushed(): void {
    this.flushedMs = performance.now();
    if (!this.pays || this.isAwake) return;
    this.isAwake = true;
    setImmediate(this.turn);
  }

  private readonly turn = (): void => {
    this.isAwake = performance.now() - this.flushedMs < this.windowMs;
    if (this.isAwake) setImmediate(this.turn);
  };
}
