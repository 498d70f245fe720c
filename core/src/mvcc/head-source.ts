import type { Logger } from "pino";
import type { QueryStorage } from "../storage/index.js";
import type { Follower } from "./follower.js";
import { DEFAULT_POLLER, type Poll, sharedPoller } from "./poller.js";

/**
 * Learns that another adapter moved the head: by the storage's push where it has one, by the process's one
 * poller where it has none or while the push is interrupted.
 */
export class HeadSource {
  private poll: Poll | undefined;
  private unsubscribe: (() => Promise<void>) | undefined;
  private closed = false;
  private pushing = true;

  constructor(
    private readonly storage: QueryStorage,
    private readonly follower: Follower,
    private readonly logger: Logger,
  ) {}

  async start(): Promise<void> {
    if (!this.storage.shared) return;
    if (!this.storage.subscribe) {
      this.startPolling();
      return;
    }
    this.unsubscribe = await this.storage.subscribe({
      onMoved: (sequence) => {
        this.pushing = true;
        this.catchUp(sequence).catch((error) => {
          this.logger.debug({ err: error }, "catching up failed");
          // Nobody pushes again for what could not be read.
          this.startPolling();
        });
      },
      onLost: (cause) => {
        if (this.closed) return;
        this.pushing = false;
        this.logger.warn({ err: cause }, "the storage's push is interrupted, polling until it is back");
        this.startPolling();
      },
    });
  }

  async close(): Promise<void> {
    this.closed = true;
    this.stopPolling();
    await this.unsubscribe?.();
  }

  /** Ends the polling, too, where a push will tell of what comes next. */
  private async catchUp(sequence?: bigint): Promise<void> {
    if (sequence === undefined) await this.follower.catchUp();
    else await this.follower.moved(sequence);
    if (this.pushing && this.storage.subscribe) this.stopPolling();
  }

  private startPolling(): void {
    if (this.closed) return;
    let before = this.follower.head.sequence;
    this.poll ??= sharedPoller.add(async () => {
      // Who writes while others do reads what they wrote for each commit.
      if (this.follower.ageMs > DEFAULT_POLLER.fastMs) await this.catchUp();
      const { sequence } = this.follower.head;
      const hasMoved = sequence !== before;
      before = sequence;
      return hasMoved;
    });
  }

  private stopPolling(): void {
    this.poll?.stop();
    this.poll = undefined;
  }
}
