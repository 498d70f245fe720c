import { type Segment, StorageError } from "@etcd-adapter/core/storage";
import {
  corrupt,
  type Entry,
  parseEntry,
  parsePosition,
  type SegmentParts,
} from "@etcd-adapter/core/storage/log/segments";
import type { ConsulClient, Item } from "./client.js";
import type { Keys } from "./keys.js";
import type { Tip } from "./tip.js";

/** Consul takes 128 operations in a transaction, older versions 64. */
const MAX_OPERATIONS = 60;

/** Reads segments, many in one transaction, whose answer is one snapshot of the store. */
export class Reader {
  readonly #client: ConsulClient;
  readonly #keys: Keys;
  readonly #parts: SegmentParts;
  readonly #tip: Tip;
  /** Decides how many to ask for at once, since only their answer tells how large they are. */
  #averageBytes = 1024;

  constructor(client: ConsulClient, keys: Keys, parts: SegmentParts, tip: Tip) {
    this.#client = client;
    this.#keys = keys;
    this.#parts = parts;
    this.#tip = tip;
  }

  async read(after: bigint, limitBytes: number): Promise<Segment[]> {
    if (after >= this.#tip.sequence) await this.#tip.refresh({ consistent: false });
    const newest = this.#tip.sequence;
    const segments: Segment[] = [];
    let bytes = 0;
    for (let next = after + 1n; next <= newest && (bytes < limitBytes || segments.length === 0); ) {
      const entries = await this.#entries(next, this.#guessCount(newest - next + 1n, limitBytes - bytes));
      const gone = entries === undefined || (await this.#assemble(next, entries, segments));
      if (gone) {
        // what was read before the trim came is still a gapless beginning
        if (segments.length > 0) break;
        throw await this.#whyMissing(next);
      }
      next += BigInt(entries.length);
      bytes = segments.reduce((sum, segment) => sum + segment.bytes.length, 0);
      this.#averageBytes = Math.max(1, bytes / segments.length);
    }
    return segments;
  }

  /** One entry, or undefined when it was trimmed. */
  async entry(sequence: bigint): Promise<Entry | undefined> {
    const key = this.#keys.segment(sequence);
    const item = await this.#client.get(key, { consistent: true });
    return item && parseEntry(item.value, key);
  }

  #guessCount(available: bigint, limitBytes: number): number {
    const wanted = Math.ceil(limitBytes / this.#averageBytes);
    return Math.max(1, Math.min(Number(available), wanted, MAX_OPERATIONS));
  }

  /** Entries from `first` on, or undefined when one of them is missing. */
  async #entries(first: bigint, count: number): Promise<Entry[] | undefined> {
    const keys = Array.from({ length: count }, (_, index) => this.#keys.segment(first + BigInt(index)));
    const operations = keys.map((key) => ({ verb: "get", key }) as const);
    // a leader that was deposed and does not know it yet may lack the newest: then ask the majority
    const items: readonly Item[] | undefined =
      (await this.#client.transact(operations, { purpose: "repeatable" })) ??
      (await this.#client.transact(operations, { purpose: "repeatable", consistent: true }));
    return items?.map((item, index) => parseEntry(item.value, keys[index]!));
  }

  /** Appends the entries' segments; whether the parts of one are gone. */
  async #assemble(first: bigint, entries: readonly Entry[], segments: Segment[]): Promise<boolean> {
    for (const [index, entry] of entries.entries()) {
      const sequence = first + BigInt(index);
      const key = this.#keys.segment(sequence);
      const bytes = await this.#parts.segment(entry, key);
      if (bytes === undefined) return true;
      segments.push({ sequence, bytes });
    }
    return false;
  }

  async #whyMissing(sequence: bigint): Promise<StorageError> {
    const item = await this.#client.get(this.#keys.trimmed, { consistent: true });
    const trimmed = item ? parsePosition(item.value, this.#keys.trimmed).sequence : 0n;
    if (sequence <= trimmed) return new StorageError("compacted", `segment ${sequence} was trimmed`);
    return corrupt(
      `${this.#keys.segment(sequence)}: the segment, one of its parts or a successor is missing`,
    );
  }
}
