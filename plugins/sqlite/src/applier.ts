import type { Pending } from "./pending.js";
import type { RedoLog } from "./redo-log.js";

/** Of one transaction: long enough that changes share pages, short enough not to keep who waits for it. */
const BATCH_BYTES = 1 << 20;

/** So long may less than a batch wait for more, unless somebody wants it. */
const LINGER_MS = 100;

/** Brings what is pending into the database, after it was acknowledged, one batch behind the other. */
export class Applier {
  private batch: Promise<void> | undefined;
  private timer: NodeJS.Timeout | undefined;
  private failing = false;

  constructor(
    private readonly pending: Pending,
    private readonly redo: RedoLog,
    /** One transaction; `synced`: it and all before it are on the disk when it resolves. */
    private readonly write: (blocks: readonly ArrayBuffer[], synced: boolean) => Promise<void>,
    private readonly onFailed: (cause: unknown) => void,
  ) {}

  /** Whether the last batch failed. The next `start` or `flush` tries it again. */
  get isFailing(): boolean {
    return this.failing;
  }

  /** To be called when a commit is pending. */
  start(): void {
    if (this.batch || this.pending.isEmpty) return;
    if (this.pending.bytes >= BATCH_BYTES) this.apply();
    else this.timer ??= setTimeout(() => this.apply(), LINGER_MS);
  }

  /** Resolves when all that is pending now is in the database; rejects with what keeps it out. */
  async flush(): Promise<void> {
    const { newestSequence } = this.pending;
    while (this.pending.holds(newestSequence)) {
      this.apply();
      await this.batch;
    }
  }

  private apply(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    if (this.batch || this.pending.isEmpty) return;
    this.batch = this.applyFirst();
    this.batch.then(
      () => {
        this.batch = undefined;
        this.failing = false;
        this.start();
      },
      (error) => {
        this.batch = undefined;
        if (!this.failing) this.onFailed(error);
        this.failing = true;
      },
    );
  }

  private async applyFirst(): Promise<void> {
    const batch = this.pending.first(BATCH_BYTES);
    const synced = this.redo.wantsSync;
    await this.write(
      batch.map(({ block }) => block),
      synced,
    );
    this.pending.remove(batch.length);
    if (synced) this.redo.syncedThrough(batch.at(-1)!.commit.head.sequence);
  }
}
