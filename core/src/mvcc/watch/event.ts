import type { LoggedChange, LoggedRevision } from "../../storage/index.js";
import { retag } from "../record.js";

const EVENTS_TAG = 0x5a;
const PREV_KV_TAG = 0x1a;
const TYPE_DELETE = [0x08, 0x01];

/** One change as watchers see it. Its bytes are made once, for all of them, in each of the two forms. */
export class WatchEvent {
  private plain: Buffer | undefined;
  private full: Buffer | undefined;

  constructor(
    private readonly change: LoggedChange,
    readonly revision: bigint,
  ) {}

  get key(): Buffer {
    return this.change.key;
  }

  get deleted(): boolean {
    return this.change.deleted;
  }

  /** The event as the finished bytes of WatchResponse's field `events`. */
  bytes(withPrevious: boolean): Buffer {
    if (withPrevious && this.change.previousField) {
      this.full ??= encode(this.change, retag(this.change.previousField, PREV_KV_TAG));
      return this.full;
    }
    this.plain ??= encode(this.change, undefined);
    return this.plain;
  }

  /** Whether it was read without the pair before, though there was one. */
  get lacksPrevious(): boolean {
    return this.change.previous > 0n && !this.change.previousField;
  }

  /** About how many bytes it holds in memory. */
  get size(): number {
    return 2 * (this.change.field.length + (this.change.previousField?.length ?? 0)) + 200;
  }
}

export interface WatchRevision {
  readonly revision: bigint;
  readonly events: readonly WatchEvent[];
}

export function watchRevision(logged: LoggedRevision): WatchRevision {
  return {
    revision: logged.revision,
    events: logged.changes.map((change) => new WatchEvent(change, logged.revision)),
  };
}

function encode(change: LoggedChange, previous: Buffer | undefined): Buffer {
  const length =
    (change.deleted ? TYPE_DELETE.length : 0) + change.field.length + (previous ? previous.length : 0);
  const head = [EVENTS_TAG];
  let rest = length;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) head.push((rest % 0x80) | 0x80);
  head.push(rest);
  if (change.deleted) head.push(...TYPE_DELETE);
  const out = Buffer.allocUnsafe(head.length - (change.deleted ? TYPE_DELETE.length : 0) + length);
  out.set(head, 0);
  out.set(change.field, head.length);
  if (previous) out.set(previous, head.length + change.field.length);
  return out;
}
