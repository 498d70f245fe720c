import { COMMIT_ID_BYTES } from "./segment.js";

/** The contract asks for 1,000; this is 64 KiB. */
const KEPT = 4096;

/** The ids of the newest commits, in a ring. */
export class CommitIds {
  readonly #ring = Buffer.alloc(KEPT * COMMIT_ID_BYTES);
  #newest = 0;
  #count = 0;

  add(sequence: number, id: Buffer): void {
    this.#ring.set(id, place(sequence));
    this.#newest = sequence;
    this.#count = Math.min(this.#count + 1, KEPT);
  }

  get(sequence: number): Buffer | undefined {
    if (sequence > this.#newest || sequence <= this.#newest - this.#count) return undefined;
    return Buffer.from(this.#ring.subarray(place(sequence), place(sequence) + COMMIT_ID_BYTES));
  }

  /** All that are kept, the oldest first. */
  capture(): Buffer[] {
    const ids: Buffer[] = [];
    for (let left = this.#count; left > 0; left--) ids.push(this.get(this.#newest - left + 1)!);
    return ids;
  }
}

function place(sequence: number): number {
  return (sequence % KEPT) * COMMIT_ID_BYTES;
}
