/**
 * Sleeping until the next request and being woken up takes longer than a quick client on the same machine takes to send it. So
 * while the last request came at once, the event loop stays awake for a moment after an answer.
 */
export class BusyPoll {
  private flushedMs = Number.NEGATIVE_INFINITY;
  private pays = false;
  private awake = false;

  /** `windowMs`: how long the loop stays awake, and in what time a request has to come for that to pay. 0: never. */
  constructor(
    private readonly windowMs: number,
    private readonly nowMs: () => number = () => performance.now(),
  ) {}

  get isAwake(): boolean {
    return this.awake;
  }

  /** Something came from a client. */
  heard(): void {
    this.pays = this.nowMs() - this.flushedMs < this.windowMs;
    this.flushedMs = Number.NEGATIVE_INFINITY;
  }

  /** What there was to say is written. */
  flushed(): void {
    this.flushedMs = this.nowMs();
    if (!this.pays || this.awake) return;
    this.awake = true;
    setImmediate(this.turn);
  }

  private readonly turn = (): void => {
    this.awake = this.nowMs() - this.flushedMs < this.windowMs;
    if (this.awake) setImmediate(this.turn);
  };
}
