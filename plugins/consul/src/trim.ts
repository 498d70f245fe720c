import {
  corrupt,
  encodePosition,
  type Position,
  parsePosition,
  type SegmentParts,
} from "@etcd-adapter/core/storage/log/segments";
import type { ConsulClient } from "./client.js";
import type { Keys } from "./keys.js";
import type { Reader } from "./reader.js";
import type { Head } from "./tip.js";

/** Consul takes 128 operations in a transaction, older versions 64; one is the mark. */
const BATCH = 60n;

export class Trimmer {
  readonly #client: ConsulClient;
  readonly #keys: Keys;
  readonly #parts: SegmentParts;
  readonly #reader: Reader;

  constructor(client: ConsulClient, keys: Keys, parts: SegmentParts, reader: Reader) {
    this.#client = client;
    this.#keys = keys;
    this.#parts = parts;
    this.#reader = reader;
  }

  /** Removes in ascending order, the mark in the same transaction: what is above the mark is always whole. */
  async trim(through: bigint, head: Head): Promise<void> {
    const target = through < head.sequence ? through : head.sequence;
    for (;;) {
      const { position, index } = await this.trimmed();
      if (position.sequence >= target) return this.#sweep(position.sequence, head.sequence);
      const end = min(position.sequence + BATCH, target);
      const mark = end === head.sequence ? head : await this.#positionAt(end);
      if (mark === undefined) {
        // another adapter has trimmed meanwhile: go on from its mark
        if ((await this.trimmed()).index !== index) continue;
        throw corrupt(`${this.#keys.segment(end)}: the segment is missing`);
      }
      const removals = Array.from({ length: Number(end - position.sequence) }, (_, offset) => ({
        verb: "delete" as const,
        key: this.#keys.segment(position.sequence + 1n + BigInt(offset)),
      }));
      const value = encodePosition({ sequence: mark.sequence, bytes: mark.bytes });
      await this.#client.transact([{ verb: "cas", key: this.#keys.trimmed, value, index }, ...removals], {
        purpose: "repeatable",
      });
    }
  }

  async trimmed(): Promise<{ position: Position; index: number }> {
    const item = await this.#client.get(this.#keys.trimmed, { consistent: true });
    if (item === undefined) throw corrupt(`${this.#keys.trimmed}: the key is gone`);
    return { position: parsePosition(item.value, this.#keys.trimmed), index: item.modifyIndex };
  }

  async #positionAt(sequence: bigint): Promise<Position | undefined> {
    const entry = await this.#reader.entry(sequence);
    return entry && { sequence, bytes: entry.totalBytes };
  }

  #sweep(trimmed: bigint, newest: bigint): Promise<void> {
    return this.#parts.sweep({ trimmed, newest }, (sequence) => this.#reader.entry(sequence));
  }
}

function min(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}
