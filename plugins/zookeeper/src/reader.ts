import { type Segment, StorageError } from "@etcd-adapter/core/storage";
import {
  corrupt,
  type Entry,
  parseEntry,
  parsePosition,
  type SegmentParts,
} from "@etcd-adapter/core/storage/log/segments";
import type { Paths } from "./paths.js";
import type { Session } from "./session.js";
import type { Tip } from "./tip.js";

/** Reads on their way at once. */
const MAX_WINDOW = 64;
/** Asked for beyond what is known: the newest segment is mostly read right after somebody appended it. */
const AHEAD = 2n;

/** Reads segments by their names, many in flight at once; the children of the log are never listed. */
export class Reader {
  readonly #session: Session;
  readonly #paths: Paths;
  readonly #parts: SegmentParts;
  readonly #tip: Tip;
  /** Decides how many to ask for at once, since only their answer tells how large they are. */
  #averageBytes = 1024;

  constructor(session: Session, paths: Paths, parts: SegmentParts, tip: Tip) {
    this.#session = session;
    this.#paths = paths;
    this.#parts = parts;
    this.#tip = tip;
  }

  async read(after: bigint, limitBytes: number): Promise<Segment[]> {
    const segments = await this.#read(after, limitBytes);
    const first = after + 1n;
    if (segments.length > 0) return segments;
    await this.#throwIfTrimmed(first);
    if (first > this.#tip.sequence) return [];
    // it was seen before, and no server goes back behind that: a majority must say so before we call it lost
    await this.#tip.confirm();
    const again = await this.#read(after, limitBytes);
    if (again.length > 0) return again;
    await this.#throwIfTrimmed(first);
    throw corrupt(`${this.#paths.segment(first)}: the segment or one of its parts is missing`);
  }

  /** One entry, which may be an anchor; undefined when there is none. */
  async entry(sequence: bigint): Promise<Entry | undefined> {
    const [entry] = await this.#entries(sequence, 1);
    return entry;
  }

  async #read(after: bigint, limitBytes: number): Promise<Segment[]> {
    const segments: Segment[] = [];
    for (let bytes = 0; segments.length === 0 || bytes < limitBytes; ) {
      const first = after + 1n + BigInt(segments.length);
      const entries = await this.#entries(first, this.#guessCount(first, limitBytes - bytes));
      const whole = await this.#assemble(first, entries, segments);
      if (!whole) break;
      bytes = segments.reduce((sum, segment) => sum + segment.bytes.length, 0);
      this.#averageBytes = Math.max(1, bytes / segments.length);
    }
    return segments;
  }

  #guessCount(first: bigint, limitBytes: number): number {
    const known = this.#tip.sequence - first + 1n;
    const wanted = Math.ceil(limitBytes / this.#averageBytes);
    return Math.max(1, Math.min(Number(known > AHEAD ? known : AHEAD), wanted, MAX_WINDOW));
  }

  #entries(first: bigint, count: number): Promise<(Entry | undefined)[]> {
    const paths = Array.from({ length: count }, (_, index) => this.#paths.segment(first + BigInt(index)));
    return this.#session.run("repeatable", (connection) =>
      Promise.all(
        paths.map(async (path) => {
          const znode = await connection.get(path);
          return znode && parseEntry(znode.data, path);
        }),
      ),
    );
  }

  /** Appends the segments up to the first that is not there; whether all were. */
  async #assemble(first: bigint, entries: (Entry | undefined)[], segments: Segment[]): Promise<boolean> {
    for (const [index, entry] of entries.entries()) {
      const sequence = first + BigInt(index);
      const bytes = entry && (await this.#parts.segment(entry, this.#paths.segment(sequence)));
      if (entry === undefined || bytes === undefined) return false;
      segments.push({ sequence, bytes });
      this.#tip.learn({ sequence, bytes: entry.totalBytes });
    }
    return true;
  }

  async #throwIfTrimmed(sequence: bigint): Promise<void> {
    const { trimmed } = this.#paths;
    const znode = await this.#session.run("repeatable", (connection) => connection.get(trimmed));
    if (znode === undefined) throw corrupt(`${trimmed}: the znode is gone`);
    if (sequence <= parsePosition(znode.data, trimmed).sequence)
      throw new StorageError("compacted", `segment ${sequence} was trimmed`);
  }
}
