import type { RegistryWrite } from "../model.js";

/** One write to the registry; the newest of its key unless superseded. */
export interface RegistryRecord {
  readonly key: string;
  readonly value: Buffer | null;
  readonly sequence: number;
}

/** The registry's entries and removals, each with the sequence of its newest write. */
export class RegistryLog {
  readonly #newest = new Map<string, RegistryRecord>();
  /** In the order of their sequences, superseded ones among them. */
  #order: RegistryRecord[] = [];
  /** Removals that may be pruned once they are old, likewise. */
  #removals: RegistryRecord[] = [];
  #floor: number;

  constructor(floor = 0) {
    this.#floor = floor;
  }

  /** Who has read up to a lower sequence may have missed a removal that is gone. */
  get floor(): number {
    return this.#floor;
  }

  write(sequence: number, { key, value }: RegistryWrite): void {
    const record: RegistryRecord = { key, value: value && Buffer.from(value), sequence };
    this.#newest.set(key, record);
    this.#order.push(record);
    if (value === null) this.#removals.push(record);
    if (this.#order.length > 64 && this.#order.length > 2 * this.#newest.size) this.#order = this.capture();
  }

  after(sequence: number): RegistryRecord[] {
    let low = 0;
    let high = this.#order.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#order[middle]!.sequence <= sequence) low = middle + 1;
      else high = middle;
    }
    return this.#order.slice(low).filter((record) => this.#isNewest(record));
  }

  /** Forgets `limit` removals, or fewer, of sequences up to `through`; answers whether there are more. */
  prune(through: number, limit: number): boolean {
    let gone = 0;
    while (gone < limit && gone < this.#removals.length && this.#removals[gone]!.sequence <= through) {
      const record = this.#removals[gone++]!;
      if (!this.#isNewest(record)) continue;
      this.#newest.delete(record.key);
      this.#floor = record.sequence;
    }
    this.#removals.splice(0, gone);
    return this.#removals.length > 0 && this.#removals[0]!.sequence <= through;
  }

  capture(): RegistryRecord[] {
    return this.#order.filter((record) => this.#isNewest(record));
  }

  #isNewest(record: RegistryRecord): boolean {
    return this.#newest.get(record.key) === record;
  }
}
