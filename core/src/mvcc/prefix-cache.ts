import type { LoggedRevision } from "../storage/index.js";
import { keyName } from "./keys.js";
import type { RangeResult } from "./operations.js";

/** Of the answers held, and what each costs beside its key-values. */
const MAX_BYTES = 32 * 1024 * 1024;
const ENTRY_BYTES = 300;
/** Up to here an answer is kept in latin1, which costs less than a buffer of its own. */
const SMALL_BYTES = 4_096;

/** What a range answers beside its revision. */
export type Answer = Omit<RangeResult, "type" | "revision">;

interface Held extends Omit<Answer, "fields"> {
  readonly fields: Buffer | string;
}

/** Of one prefix; one more takes the place of the oldest. */
const MAX_SHAPES = 8;

/** An answer that is known, or a place for one that is being read. */
interface Entry {
  /** What was asked for: limit, order and the like. */
  readonly shape: string;
  /** Nothing with the prefix has changed since this revision. */
  readonly since: bigint;
  held: Held | undefined;
  bytes: number;
}

interface Group {
  readonly entries: Entry[];
  /** Since it was last passed over by what makes room. */
  used: boolean;
}

/** Where the answer of a read goes, if nothing with the prefix has changed until it comes. */
export interface Place {
  readonly prefix: string;
  readonly entry: Entry;
}

/**
 * Answers to ranges over all keys with a prefix, which is what gateways and controllers ask for again and again. The follower
 * keeps them true: a change of a key forgets the answers of all its prefixes. Those long unused are forgotten first.
 */
export class PrefixCache {
  private readonly groups = new Map<string, Group>();
  /** How many of the prefixes have a length. */
  private readonly lengths = new Map<number, number>();
  private bytes = 0;

  constructor(private readonly maxBytes = MAX_BYTES) {}

  has(prefix: string, shape: string): boolean {
    return entryOf(this.groups.get(prefix), shape)?.held !== undefined;
  }

  get(prefix: string, shape: string): Answer | undefined {
    const group = this.groups.get(prefix);
    const held = entryOf(group, shape)?.held;
    if (!group || !held) return undefined;
    group.used = true;
    const { fields, count, more } = held;
    return { fields: typeof fields === "string" ? Buffer.from(fields, "latin1") : fields, count, more };
  }

  /** Before an answer is read; `revision`: the newest that the follower has published. */
  place(prefix: string, shape: string, revision: bigint): Place {
    let group = this.groups.get(prefix);
    if (!group) {
      group = { entries: [], used: false };
      this.groups.set(prefix, group);
      this.lengths.set(prefix.length, (this.lengths.get(prefix.length) ?? 0) + 1);
    }
    const before = entryOf(group, shape);
    if (before) return { prefix, entry: before };
    if (group.entries.length === MAX_SHAPES) this.bytes -= group.entries.shift()!.bytes;
    const entry: Entry = { shape, since: revision, held: undefined, bytes: ENTRY_BYTES + prefix.length };
    group.entries.push(entry);
    this.bytes += entry.bytes;
    this.shrink();
    return { prefix, entry };
  }

  /** What was read at a revision that the follower has published. */
  fill({ prefix, entry }: Place, revision: bigint, answer: Answer): void {
    const { fields, count, more } = answer;
    const isThere = this.groups.get(prefix)?.entries.includes(entry);
    if (!isThere || entry.held || revision < entry.since || fields.length > this.maxBytes / 4) return;
    entry.held = { fields: kept(fields), count, more };
    entry.bytes += fields.length;
    this.bytes += fields.length;
    this.shrink();
  }

  /** Changes that follow all those before, by whomever. */
  apply(revisions: readonly LoggedRevision[]): void {
    if (this.groups.size === 0) return;
    for (const { changes } of revisions) {
      for (const { key } of changes) this.changed(keyName(key));
    }
  }

  /** For who may have missed a change. */
  clear(): void {
    this.groups.clear();
    this.lengths.clear();
    this.bytes = 0;
  }

  private changed(name: string): void {
    for (const length of this.lengths.keys()) {
      if (length <= name.length) this.forget(name.slice(0, length));
    }
  }

  private forget(prefix: string): void {
    const group = this.groups.get(prefix);
    if (!group) return;
    this.groups.delete(prefix);
    for (const { bytes } of group.entries) this.bytes -= bytes;
    const count = this.lengths.get(prefix.length)! - 1;
    if (count === 0) this.lengths.delete(prefix.length);
    else this.lengths.set(prefix.length, count);
  }

  /** Who was used since it was last passed over goes to the end once more: cheaper than moving it at each use. */
  private shrink(): void {
    for (const [prefix, group] of this.groups) {
      if (this.bytes <= this.maxBytes) return;
      if (group.used) {
        group.used = false;
        this.groups.delete(prefix);
        this.groups.set(prefix, group);
      } else {
        this.forget(prefix);
      }
    }
  }
}

function entryOf(group: Group | undefined, shape: string): Entry | undefined {
  return group?.entries.find((entry) => entry.shape === shape);
}

/** Without what the buffer is only a part of. */
function kept(fields: Buffer): Buffer | string {
  if (fields.length <= SMALL_BYTES) return fields.toString("latin1");
  return fields.length * 2 < fields.buffer.byteLength ? Buffer.from(fields) : fields;
}
