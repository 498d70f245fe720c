import {
  anchorEntry,
  corrupt,
  encodePosition,
  type Position,
  parsePosition,
  type SegmentParts,
} from "@etcd-adapter/core/storage/log/segments";
import type { Operation } from "./connection.js";
import type { Paths } from "./paths.js";
import type { Reader } from "./reader.js";
import type { Session } from "./session.js";

const BATCH = 100n;

export class Trimmer {
  readonly #session: Session;
  readonly #paths: Paths;
  readonly #parts: SegmentParts;
  readonly #reader: Reader;

  constructor(session: Session, paths: Paths, parts: SegmentParts, reader: Reader) {
    this.#session = session;
    this.#paths = paths;
    this.#parts = parts;
    this.#reader = reader;
  }

  /**
   * Removes in ascending order, the mark and the anchor in the same transaction: the znodes of the log always
   * are the anchor and every segment above it, so an append needs to check one znode alone, the one before.
   */
  async trim(through: bigint, newest: Position): Promise<void> {
    const target = through < newest.sequence ? through : newest.sequence;
    for (;;) {
      const trimmed = await this.trimmed();
      if (trimmed.sequence >= target) return this.#sweep(trimmed.sequence, newest.sequence);
      const end = min(trimmed.sequence + BATCH, target);
      const mark = end === newest.sequence ? newest : await this.#positionAt(end);
      const done = mark !== undefined && (await this.#remove(trimmed.sequence, mark));
      // another adapter has trimmed meanwhile: go on from its mark
      if (!done && (await this.trimmed()).sequence === trimmed.sequence)
        throw corrupt(`${this.#paths.log}: segments between ${trimmed.sequence} and ${end} are missing`);
    }
  }

  async trimmed(): Promise<Position> {
    const { trimmed } = this.#paths;
    const znode = await this.#session.run("repeatable", (connection) => connection.get(trimmed));
    if (znode === undefined) throw corrupt(`${trimmed}: the znode is gone`);
    return parsePosition(znode.data, trimmed);
  }

  async #positionAt(sequence: bigint): Promise<Position | undefined> {
    const entry = await this.#reader.entry(sequence);
    return entry && { sequence, bytes: entry.totalBytes };
  }

  /** Two adapters never trim the same: the old anchor is there for one of them only. */
  async #remove(anchor: bigint, mark: Position): Promise<boolean> {
    const removals = Array.from(
      { length: Number(mark.sequence - anchor) },
      (_, index): Operation => ({ do: "remove", path: this.#paths.segment(anchor + BigInt(index)) }),
    );
    const operations: Operation[] = [
      ...removals,
      { do: "set", path: this.#paths.segment(mark.sequence), data: anchorEntry(mark.bytes) },
      {
        do: "set",
        path: this.#paths.trimmed,
        data: encodePosition({ sequence: mark.sequence, bytes: mark.bytes }),
      },
    ];
    const failure = await this.#session.run("repeatable", (connection) => connection.multi(operations));
    return failure === undefined;
  }

  #sweep(trimmed: bigint, newest: bigint): Promise<void> {
    return this.#parts.sweep({ trimmed, newest }, (sequence) => this.#reader.entry(sequence));
  }
}

function min(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}
