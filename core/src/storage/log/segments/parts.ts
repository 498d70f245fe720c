import { randomUUID } from "node:crypto";
import { type Entry, inlineEntry, manifestEntry, verified } from "./entry.js";
import { Groups, type PieceStore } from "./groups.js";
import { groupName } from "./names.js";
import { split } from "./pieces.js";

export interface PartLimits {
  /** Of a segment that goes into its entry. */
  readonly inlineBytes: number;
  /** Of one part of a larger one. */
  readonly partBytes: number;
}

/** A segment's entry, ready to be appended, and the group that holds its parts if it is a large one. */
export interface PreparedEntry {
  readonly bytes: Buffer;
  readonly group: string | undefined;
}

/** Splits segments that are too large for one entry, joins them, and removes what nobody needs any more. */
export class SegmentParts {
  readonly #groups: Groups;
  readonly #limits: PartLimits;
  /** Groups that a segment has named; that never changes until the segment is trimmed. */
  #inUse: ReadonlySet<string> = new Set();

  constructor(store: PieceStore, limits: PartLimits) {
    this.#groups = new Groups(store);
    this.#limits = limits;
  }

  /** The parts go first and mean nothing until the entry is appended, which names them. */
  async prepare(sequence: bigint, segment: Buffer, totalBytes: bigint): Promise<PreparedEntry> {
    if (segment.length <= this.#limits.inlineBytes)
      return { bytes: inlineEntry(segment, totalBytes), group: undefined };
    const group = groupName(sequence, randomUUID());
    const parts = split(segment, this.#limits.partBytes);
    try {
      await this.#groups.write(group, parts);
    } catch (error) {
      await this.#groups.discard(group);
      throw error;
    }
    const lengths = parts.map((part) => part.length);
    return { bytes: manifestEntry(segment, { group, lengths }, totalBytes), group };
  }

  /** For an entry that was not appended for certain. */
  async discard({ group }: PreparedEntry): Promise<void> {
    if (group !== undefined) await this.#groups.discard(group);
  }

  /** The segment of an entry; undefined if it, or a part of it, was trimmed. Throws `corrupt`. */
  async segment(entry: Entry, name: string): Promise<Buffer | undefined> {
    const { content } = entry;
    if (content === undefined) return undefined;
    if (Buffer.isBuffer(content)) return verified(content, entry, name);
    const parts: Buffer[] = [];
    for await (const part of this.#groups.read(content.group, content.lengths.length)) {
      if (part === undefined) return undefined;
      parts.push(part);
    }
    return verified(Buffer.concat(parts), entry, name);
  }

  /**
   * Removes the parts of trimmed segments and those that failed writers left. No clock decides: parts for a
   * sequence that somebody has taken with other parts can never be committed any more, and parts for one
   * above the newest may be a commit in flight and stay.
   */
  async sweep(
    { trimmed, newest }: { readonly trimmed: bigint; readonly newest: bigint },
    entryAt: (sequence: bigint) => Promise<Entry | undefined>,
  ): Promise<void> {
    const inUse = new Set<string>();
    for (const { name, sequence } of await this.#groups.list()) {
      if (sequence > newest) continue;
      const needed = sequence > trimmed && (this.#inUse.has(name) || isNamed(name, await entryAt(sequence)));
      if (needed) inUse.add(name);
      else await this.#groups.remove(name);
    }
    this.#inUse = inUse;
  }
}

function isNamed(group: string, entry: Entry | undefined): boolean {
  const content = entry?.content;
  return content !== undefined && !Buffer.isBuffer(content) && content.group === group;
}
