/** How far apart snapshots are: both bounds must be the same on every adapter of one backend. */
export interface SnapshotInterval {
  readonly segments: number;
  readonly bytes: number;
}

export interface MarkPositions {
  /** Segments and bytes since the newest mark. */
  readonly segments: number;
  readonly bytes: number;
  /** Sequences of the newest mark and the one before it; 0 is none. */
  readonly newest: number;
  readonly before: number;
}

/**
 * Which segments ask for a snapshot. A function of the log alone, so that all adapters mark the same ones and
 * whoever appended a marked segment writes the snapshot: one of many, without a word between them. Should it
 * fail, the next mark makes up for it.
 */
export class Marks {
  readonly #interval: SnapshotInterval;
  #at: MarkPositions;

  constructor(
    interval: SnapshotInterval,
    at: MarkPositions = { segments: 0, bytes: 0, newest: 0, before: 0 },
  ) {
    this.#interval = interval;
    this.#at = at;
  }

  get positions(): MarkPositions {
    return this.#at;
  }

  /** A state of `liveBytes` is worth writing again only after a log of about that size. */
  add(sequence: number, segmentBytes: number, liveBytes: number): void {
    const segments = this.#at.segments + 1;
    const bytes = this.#at.bytes + segmentBytes;
    const due = segments >= this.#interval.segments || bytes >= Math.max(this.#interval.bytes, liveBytes);
    if (due) this.#at = { segments: 0, bytes: 0, newest: sequence, before: this.#at.newest };
    else this.#at = { ...this.#at, segments, bytes };
  }

  /** Whether `sequence` is one of the two newest marks. */
  has(sequence: number): boolean {
    return sequence === this.#at.newest || sequence === this.#at.before;
  }
}
