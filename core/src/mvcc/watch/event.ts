import type { LoggedChange, LoggedRevision } from "../../storage/index.js";
import { fieldKey, lengthSize, writeLength } from "../record.js";
import type { Slabs } from "./slabs.js";

const EVENTS_TAG = 0x5a;
const PREV_KV_TAG = 0x1a;
const TYPE_DELETE = Buffer.from([0x08, 0x01]);

/** Of an event's objects, beside its bytes. */
const OBJECT_BYTES = 400;

/** One change as watchers see it. Its bytes are made once, for all of them, in each of the two forms. */
export class WatchEvent {
  readonly key: Buffer;
  readonly deleted: boolean;
  /** Whether it was read without the pair before, though there was one. */
  readonly lacksPrevious: boolean;
  private readonly plain: Buffer;
  private readonly full: Buffer | undefined;

  /** Nothing of the change is kept: it may be a piece of something large. */
  constructor(
    { field, deleted, previous, previousField }: LoggedChange,
    readonly revision: bigint,
    memory: Slabs,
  ) {
    this.deleted = deleted;
    this.lacksPrevious = previous > 0n && !previousField;
    this.plain = encode(memory, deleted, field);
    this.full = previousField && encode(memory, deleted, field, previousField);
    this.key = fieldKey(this.plain.subarray(this.plain.length - field.length));
  }

  /** The event as the finished bytes of WatchResponse's field `events`. */
  bytes(withPrevious: boolean): Buffer {
    return (withPrevious && this.full) || this.plain;
  }

  /** About how many bytes it holds in memory, and no less than it has in a message. */
  get size(): number {
    return this.plain.length + (this.full?.length ?? 0) + OBJECT_BYTES;
  }
}

export interface WatchRevision {
  readonly revision: bigint;
  readonly events: readonly WatchEvent[];
}

export function watchRevision({ revision, changes }: LoggedRevision, memory: Slabs): WatchRevision {
  return { revision, events: changes.map((change) => new WatchEvent(change, revision, memory)) };
}

function encode(memory: Slabs, deleted: boolean, field: Buffer, previous?: Buffer): Buffer {
  const typeBytes = deleted ? TYPE_DELETE.length : 0;
  const length = typeBytes + field.length + (previous ? previous.length : 0);
  const out = memory.take(1 + lengthSize(length) + length);
  out[0] = EVENTS_TAG;
  let at = writeLength(out, 1, length);
  if (deleted) {
    out.set(TYPE_DELETE, at);
    at += typeBytes;
  }
  out.set(field, at);
  if (previous) {
    at += field.length;
    out.set(previous, at);
    // The same bytes as in a range's answer, but for the tag.
    out[at] = PREV_KV_TAG;
  }
  return out;
}
