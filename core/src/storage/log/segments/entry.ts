import { crc32 } from "node:zlib";
import { corrupt } from "../corrupt.js";

/**
 * An entry of the log: kind (1 byte), bytes of all segments up to and with this one (8 bytes), the segment's
 * CRC-32 (4 bytes), and then the segment itself or the manifest of its parts. The running sum makes the log's
 * size a subtraction instead of a scan.
 */
const HEADER_BYTES = 13;
const ANCHOR = 0;
const INLINE = 1;
const MANIFEST = 2;

/** Where the parts of a segment that is too large for one entry are. */
export interface Manifest {
  readonly group: string;
  readonly lengths: readonly number[];
}

export interface Entry {
  readonly totalBytes: bigint;
  readonly checksum: number;
  /** undefined: an anchor, the segment was trimmed. */
  readonly content: Buffer | Manifest | undefined;
}

export function inlineEntry(segment: Buffer, totalBytes: bigint): Buffer {
  return Buffer.concat([header(INLINE, totalBytes, crc32(segment)), segment]);
}

export function manifestEntry(segment: Buffer, { group, lengths }: Manifest, totalBytes: bigint): Buffer {
  const manifest = Buffer.from(JSON.stringify({ group, lengths }));
  return Buffer.concat([header(MANIFEST, totalBytes, crc32(segment)), manifest]);
}

/** Stands for the newest trimmed segment, in backends where an append needs something to be appended to. */
export function anchorEntry(totalBytes: bigint): Buffer {
  return header(ANCHOR, totalBytes, 0);
}

/** The bytes that an inline segment may have in an entry of `entryBytes`. */
export function inlineCapacity(entryBytes: number): number {
  return entryBytes - HEADER_BYTES;
}

/** `name` is the entry's place, for messages. Throws `corrupt`. */
export function parseEntry(entry: Buffer, name: string): Entry {
  const kind = entry.length < HEADER_BYTES ? undefined : entry[0];
  if (kind !== ANCHOR && kind !== INLINE && kind !== MANIFEST)
    throw corrupt(`${name}: it is not an entry of the log`);
  const body = entry.subarray(HEADER_BYTES);
  return {
    totalBytes: entry.readBigUInt64BE(1),
    checksum: entry.readUInt32BE(9),
    content: kind === ANCHOR ? undefined : kind === INLINE ? body : parseManifest(body, name),
  };
}

/** The segment, once its bytes agree with the entry. Throws `corrupt`. */
export function verified(segment: Buffer, entry: Entry, name: string): Buffer {
  if (crc32(segment) !== entry.checksum) throw corrupt(`${name}: its checksum is wrong`);
  return segment;
}

function header(kind: number, totalBytes: bigint, checksum: number): Buffer {
  const bytes = Buffer.alloc(HEADER_BYTES);
  bytes[0] = kind;
  bytes.writeBigUInt64BE(totalBytes, 1);
  bytes.writeUInt32BE(checksum, 9);
  return bytes;
}

function parseManifest(body: Buffer, name: string): Manifest {
  try {
    const { group, lengths }: Partial<Manifest> = JSON.parse(body.toString());
    if (typeof group === "string" && Array.isArray(lengths) && lengths.every((n) => Number.isSafeInteger(n)))
      return { group, lengths };
  } catch (cause) {
    throw corrupt(`${name}: its manifest cannot be read`, { cause });
  }
  throw corrupt(`${name}: its manifest is not one`);
}
