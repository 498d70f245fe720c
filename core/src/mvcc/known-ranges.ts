import type { Head } from "../storage/index.js";
import type { Follower } from "./follower.js";
import { keyName } from "./keys.js";
import type { RangeOperation } from "./operations.js";
import type { Answer, Place } from "./prefix-cache.js";
import { isPlain } from "./range.js";
import { withoutValue } from "./record.js";

const NOTHING: Buffer = Buffer.alloc(0);
const LAST_BYTE = 0xff;

export interface KnownRange {
  readonly head: Head;
  readonly answer: Answer;
}

/** Takes the answer that a storage has given at a head. */
export type Learn = (head: Head, answer: Answer) => void;

/**
 * Ranges over one key or over a prefix at the newest revision, of which the follower keeps the answers true. A linearizable
 * one costs the storage a look at what is new, which all that wait share, or nothing where no other adapter can write.
 */
export class KnownRanges {
  constructor(
    private readonly follower: Follower,
    private readonly linearize: () => Promise<Head>,
  ) {}

  /** Undefined: the storage has to be asked. */
  async find(operation: RangeOperation): Promise<KnownRange | undefined> {
    const wanted = wantedBy(operation);
    if (!wanted || !this.isKnown(wanted)) return undefined;
    if (!operation.serializable) await this.linearize();
    return this.get(wanted, operation);
  }

  /** The same for who needs not ask whether there is something newer. */
  findNow(operation: RangeOperation): KnownRange | undefined {
    const wanted = wantedBy(operation);
    return wanted && this.get(wanted, operation);
  }

  /** Before the storage is read: what to do with its answer. */
  learn(operation: RangeOperation): Learn | undefined {
    const { follower } = this;
    const wanted = wantedBy(operation);
    if (!wanted) return undefined;
    if ("key" in wanted) {
      if (operation.keysOnly || operation.countOnly) return undefined;
      return ({ revision }, { fields, count }) => {
        if (revision !== follower.revision) return;
        follower.keys.put(wanted.key, count === 0n ? undefined : fields);
      };
    }
    const place: Place = follower.prefixes.place(wanted.prefix, wanted.shape, follower.revision);
    return ({ revision }, answer) => {
      if (revision <= follower.revision) follower.prefixes.fill(place, revision, answer);
    };
  }

  private isKnown(wanted: Wanted): boolean {
    const { keys, prefixes } = this.follower;
    return "key" in wanted ? keys.has(wanted.key) : prefixes.has(wanted.prefix, wanted.shape);
  }

  private get(wanted: Wanted, operation: RangeOperation): KnownRange | undefined {
    const { head, knownRevision, revision, keys, prefixes } = this.follower;
    // Who has seen something newer in the storage is not to be answered with less.
    if (knownRevision !== head.revision || revision !== head.revision) return undefined;
    if ("prefix" in wanted) {
      const answer = prefixes.get(wanted.prefix, wanted.shape);
      return answer && { head, answer };
    }
    const known = keys.get(wanted.key);
    return known && { head, answer: answerOf(operation, known.field) };
  }
}

/** One key, or all with a prefix, and how. */
type Wanted = { readonly key: Buffer } | { readonly prefix: string; readonly shape: string };

/** Undefined for a range that can't be known. */
function wantedBy(operation: RangeOperation): Wanted | undefined {
  if (operation.revision > 0n || !isPlain(operation)) return undefined;
  if (operation.rangeEnd.length === 0) return { key: operation.key };
  const prefix = prefixOf(operation);
  return prefix === undefined ? undefined : { prefix, shape: shapeOf(operation) };
}

function answerOf({ keysOnly, countOnly }: RangeOperation, field: Buffer | undefined): Answer {
  if (!field) return { fields: NOTHING, count: 0n, more: false };
  const fields = countOnly ? NOTHING : keysOnly ? withoutValue(field) : field;
  return { fields, count: 1n, more: false };
}

/** The prefix that all keys of the range, and no others, have; undefined if there is none. */
function prefixOf({ key, rangeEnd }: RangeOperation): string | undefined {
  const last = key.length - 1;
  if (rangeEnd.length !== key.length || last < 0) return undefined;
  // From "\0" on without an end: every key.
  if (last === 0 && key[0] === 0 && rangeEnd[0] === 0) return "";
  if (key[last] === LAST_BYTE || rangeEnd[last] !== key[last]! + 1) return undefined;
  return key.compare(rangeEnd, 0, last, 0, last) === 0 ? keyName(key) : undefined;
}

function shapeOf({ limit, sortOrder, keysOnly, countOnly }: RangeOperation): string {
  const order = sortOrder === "descend" ? "d" : "a";
  const parts = countOnly ? "c" : keysOnly ? "k" : "v";
  return `${order}${parts}${limit > 0n ? limit : ""}`;
}
