import type { Logger } from "pino";
import { EtcdError } from "../errors.js";

const HOUR_MS = 3_600_000;
const REVISION_INTERVAL_MS = 5 * 60_000;
const SAMPLES_A_PERIOD = 10;

export type Retention =
  | { readonly mode: "periodic"; readonly periodMs: number }
  | { readonly mode: "revision"; readonly revisions: bigint };

export interface AutoCompactorTarget {
  revision(): bigint;
  compact(revision: bigint): Promise<void>;
  /** Whether it is this adapter, of all on the backend, that compacts. */
  isChosen(): boolean;
}

/** `--auto-compaction-mode` and `--auto-compaction-retention`, with etcd's timing. */
export class AutoCompactor {
  private readonly timer: NodeJS.Timeout;
  /** Revisions sampled over the last period, oldest first. */
  private samples: bigint[] = [];
  private sinceCompaction = 0;
  private last = 0n;

  constructor(
    private readonly retention: Retention,
    private readonly target: AutoCompactorTarget,
    private readonly logger: Logger,
  ) {
    const turn =
      retention.mode === "periodic" ? () => this.periodicTurn(retention.periodMs) : () => this.revisionTurn();
    this.timer = setInterval(() => void turn(), intervalMs(retention));
    this.timer.unref();
  }

  close(): void {
    clearInterval(this.timer);
  }

  private async periodicTurn(periodMs: number): Promise<void> {
    this.samples.push(this.target.revision());
    this.sinceCompaction++;
    // Nothing happens in the first period; from then on the oldest sample is a period old.
    const perPeriod = Math.round(periodMs / intervalMs(this.retention));
    if (this.samples.length <= perPeriod) return;
    this.samples = this.samples.slice(-perPeriod - 1);
    if (this.sinceCompaction < SAMPLES_A_PERIOD) return;
    if (await this.compactTo(this.samples[0]!)) this.sinceCompaction = 0;
  }

  private async revisionTurn(): Promise<void> {
    if (this.retention.mode === "revision")
      await this.compactTo(this.target.revision() - this.retention.revisions);
  }

  /** False when it has to be tried again at the next turn. */
  private async compactTo(revision: bigint): Promise<boolean> {
    if (revision <= 0n || revision === this.last || !this.target.isChosen()) return true;
    try {
      await this.target.compact(revision);
      this.logger.info({ revision: revision.toString() }, "compacted");
    } catch (error) {
      // Somebody else has compacted as far already.
      if (!(error instanceof EtcdError && error.id === "compacted")) {
        this.logger.warn({ err: error, revision: revision.toString() }, "automatic compaction failed");
        return false;
      }
    }
    this.last = revision;
    return true;
  }
}

function intervalMs(retention: Retention): number {
  if (retention.mode === "revision") return REVISION_INTERVAL_MS;
  return Math.min(retention.periodMs, HOUR_MS) / SAMPLES_A_PERIOD;
}
