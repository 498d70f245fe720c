import type { Commit, Head } from "../storage/index.js";

/** Others are reckoned with for so long after the last write of one of them. */
const CONTENDED_MS = 300;

/**
 * Whether this process's commits should reserve what they are computed on. Optimism alone is unfair: who has just won
 * knows the next head before all others. So while others write too, each waits for its turn, where the backend
 * has something to wait for. A lone writer reserves nothing. It is for fairness, never for correctness: a commit
 * still compares the head that it finds.
 */
export class Contention {
  private until = 0;
  private triedUntil = 0;
  private own = 0n;

  constructor(private readonly now: () => number = () => performance.now()) {}

  get isOn(): boolean {
    return this.now() < this.until;
  }

  /** A commit is sent. */
  tries({ head }: Commit): void {
    this.own = head.sequence;
    this.triedUntil = this.now() + CONTENDED_MS;
  }

  /** It found another head. */
  lost(): void {
    this.own = 0n;
    this.until = this.now() + CONTENDED_MS;
  }

  /** A head newer than all before was read. It may be the doing of a commit of this process, under way still. */
  saw({ sequence }: Head): void {
    if (sequence > this.own && this.now() < this.triedUntil) this.until = this.now() + CONTENDED_MS;
  }
}
