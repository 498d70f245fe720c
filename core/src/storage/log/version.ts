/**
 * A field as it is held in memory. Short ones are latin1 strings, one byte a character: 160 bytes less than a
 * Buffer of their own, and unlike pieces of a pool they keep nothing else alive. Long ones are Buffers, outside
 * of the heap whose size Node limits.
 */
export type Packed = string | Buffer;

const STRING_MAX_BYTES = 1024;

/** `field` to keep: never a view into something larger. */
export function pack(field: Buffer): Packed {
  if (field.length <= STRING_MAX_BYTES) return field.toString("latin1");
  return field.buffer.byteLength === field.length ? field : copy(field);
}

/** `packed` as bytes that belong to the caller. */
export function unpack(packed: Packed): Buffer {
  const bytes = Buffer.allocUnsafe(packed.length);
  writePacked(bytes, 0, packed);
  return bytes;
}

export function writePacked(target: Buffer, offset: number, packed: Packed): number {
  if (typeof packed === "string") return offset + target.write(packed, offset, "latin1");
  target.set(packed, offset);
  return offset + packed.length;
}

function copy(bytes: Buffer): Buffer {
  const own = Buffer.allocUnsafeSlow(bytes.length);
  own.set(bytes);
  return own;
}

/** One change of one key: a version, or the tombstone of a deletion. A million exist, so few fields. */
export class Version {
  /** The key's version before this one, until it is pruned. */
  older: Version | undefined = undefined;

  constructor(
    /** In latin1: orders exactly as the bytes do. */
    readonly key: string,
    readonly revision: number,
    /** Its place in the revision as committed. */
    readonly sub: number,
    readonly previous: number,
    /** null marks a deletion. */
    readonly lease: bigint | null,
    readonly field: Packed,
  ) {}

  get pruned(): boolean {
    return this.older === PRUNED;
  }

  markPruned(): void {
    this.older = PRUNED;
  }
}

/** Stands for whatever was below a pruned version: nothing, at every revision. */
const PRUNED = new Version("", 0, 0, 0, null, "");

/** The version of a key that a read at `revision` sees. */
export function versionAt(newest: Version | undefined, revision: number): Version | undefined {
  let version = newest;
  while (version !== undefined && version.revision > revision) version = version.older;
  return version === undefined || version.lease === null ? undefined : version;
}

/** The field of the version that `version` replaced, unless there was none or it was pruned. */
export function previousField(version: Version): Packed | undefined {
  if (version.previous === 0) return undefined;
  let older = version.older;
  while (older !== undefined && older.revision > version.previous) older = older.older;
  return older?.revision === version.previous ? older.field : undefined;
}
