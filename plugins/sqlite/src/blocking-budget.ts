/** Of all time, this thread may be blocked for a twentieth by operations that turn out to be slow. */
const SHARE = 1 / 20;

/** What may be spent at once: a disk that is slow now and then is not slow. */
const BURST_MS = 20;

/** Whether operations that block this thread, if only for as long as a fast disk takes, may be made on it. */
export class BlockingBudget {
  private spentMs = 0;
  private countedAtMs = 0;

  /** `fastMs`: what an operation may take without being counted. */
  constructor(private readonly fastMs: number) {}

  /** `nowMs`: of a clock that never goes back. */
  allows(nowMs: number): boolean {
    this.spentMs = Math.max(0, this.spentMs - (nowMs - this.countedAtMs) * SHARE);
    this.countedAtMs = nowMs;
    return this.spentMs < BURST_MS;
  }

  /** An operation has blocked the thread. */
  took(ms: number): void {
    if (ms > this.fastMs) this.spentMs += ms;
  }
}
