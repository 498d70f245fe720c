import type { LoggedRevision } from "../storage/index.js";
import { keyName } from "./keys.js";

/** Of the names and fields held, and what an entry costs beside them. */
const MAX_BYTES = 16 * 1024 * 1024;
const ENTRY_BYTES = 120;
/** A larger field is read again when it is needed. */
const MAX_FIELD_BYTES = 16 * 1024;

/** In latin1, which takes a byte a character and keeps nothing else alive; null: there is no such key. */
type Held = string | null;

/**
 * The newest fields of the keys that this process has lately written, so that writing one again needs no read. The
 * follower keeps them true. When the young half is full it becomes the old one, and what was in there is forgotten.
 */
export class KeyCache {
  private young = new Map<string, Held>();
  private old = new Map<string, Held>();
  private youngBytes = 0;

  constructor(private readonly maxBytes = MAX_BYTES) {}

  has(key: Buffer): boolean {
    const name = keyName(key);
    return this.young.has(name) || this.old.has(name);
  }

  /** `field` is undefined where there is no such key; undefined as a whole: not known. */
  get(key: Buffer): { readonly field: Buffer | undefined } | undefined {
    const name = keyName(key);
    let held = this.young.get(name);
    if (held === undefined) {
      held = this.old.get(name);
      if (held === undefined) return undefined;
      this.hold(name, held);
    }
    return { field: held === null ? undefined : Buffer.from(held, "latin1") };
  }

  /** What was read of a key, or written to it. */
  put(key: Buffer, field: Buffer | undefined): void {
    const name = keyName(key);
    if (field && field.length > MAX_FIELD_BYTES) this.drop(name);
    else this.hold(name, field ? field.toString("latin1") : null);
  }

  /** Changes that follow all those before, by whomever. `own`: keys that are not held yet are worth it. */
  apply(revisions: readonly LoggedRevision[], own: boolean): void {
    for (const { changes } of revisions) {
      for (const { key, field, deleted } of changes) {
        const name = keyName(key);
        if (own || this.young.has(name) || this.old.has(name)) this.put(key, deleted ? undefined : field);
      }
    }
  }

  /** For who may have missed a change. */
  clear(): void {
    this.young.clear();
    this.old.clear();
    this.youngBytes = 0;
  }

  private hold(name: string, held: Held): void {
    const before = this.young.get(name);
    if (before !== undefined) this.youngBytes -= bytesOf(name, before);
    else this.old.delete(name);
    this.young.set(name, held);
    this.youngBytes += bytesOf(name, held);
    if (this.youngBytes <= this.maxBytes / 2) return;
    this.old = this.young;
    this.young = new Map();
    this.youngBytes = 0;
  }

  private drop(name: string): void {
    const before = this.young.get(name);
    if (before !== undefined) this.youngBytes -= bytesOf(name, before);
    this.young.delete(name);
    this.old.delete(name);
  }
}

function bytesOf(name: string, held: Held): number {
  return name.length + (held?.length ?? 0) + ENTRY_BYTES;
}
