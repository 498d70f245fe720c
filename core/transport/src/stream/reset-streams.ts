/** Streams that were reset by either end: how many are bearable, and on which frames may still be on their way. */
import { Budget } from "../connection/budget.js";
import { ConnectionError, ErrorCode } from "../framing/protocol.js";
import type { Options } from "../options.js";

/** Of those that this server reset. */
const IDS_KEPT = 1_024;

export class ResetStreams {
  private readonly ids = new Set<number>();
  private readonly budget: Budget;

  constructor({ resetBurst, resetsPerSecond }: Options) {
    this.budget = new Budget(resetBurst, resetsPerSecond);
  }

  /** Counts one that the client is to blame for. */
  count(): void {
    if (!this.budget.spend()) throw new ConnectionError(ErrorCode.enhanceYourCalm, "too_many_resets");
  }

  pass(ms: number): void {
    this.budget.pass(ms);
  }

  /** Whether this server reset the stream not long ago. */
  has(streamId: number): boolean {
    return this.ids.has(streamId);
  }

  add(streamId: number): void {
    this.ids.add(streamId);
    if (this.ids.size <= IDS_KEPT) return;
    const oldest = this.ids.values().next();
    if (!oldest.done) this.ids.delete(oldest.value);
  }
}
