import type { Segment } from "../log-storage.js";
import type { Change, Commit, Head, RegistryWrite, Revision } from "../model.js";
import { ByteReader } from "./byte-reader.js";
import { ByteWriter, VARINT_MAX_BYTES } from "./byte-writer.js";

/**
 * A commit as a log keeps it. Numbers are varints if not said otherwise, byte strings have their length before them.
 *
 *   format (1 byte), CRC-32 of what follows (4), id (16)
 *   base: sequence, revision, compacted + 1; head: compacted + 1, and in the format with gaps its revision
 *   revisions: how many; for each: in the format with gaps how many revisions are left out before it;
 *     how many changes; for each: flags (1), key, field, previous if HAS_PREVIOUS, lease (8) if HAS_LEASE
 *   registry: how many; for each: key, 0 to remove or 1 and the value
 */
const FORMAT = 1;
/** Only commits that leave out revisions, as those of a restore may, are written in it. */
const FORMAT_WITH_GAPS = 2;
export const COMMIT_ID_BYTES = 16;

const DELETED = 1;
const HAS_PREVIOUS = 2;
const HAS_LEASE = 4;

const CHANGE_MAX_BYTES = 1 + 8 + 3 * VARINT_MAX_BYTES;
const PREFIX_BYTES = 1 + 4 + COMMIT_ID_BYTES + 7 * VARINT_MAX_BYTES;

export function encodeSegment(commit: Commit): Buffer {
  const { base, head } = commit;
  const writer = new ByteWriter(boundBytes(commit));
  const hasGaps = head.revision !== base.revision + BigInt(commit.revisions.length);
  writer.uint8(hasGaps ? FORMAT_WITH_GAPS : FORMAT);
  const checksum = writer.reserveChecksum();
  writer.raw(commit.id);
  writer.varint(Number(base.sequence));
  writer.varint(Number(base.revision));
  writer.varint(Number(base.compacted + 1n));
  writer.varint(Number(head.compacted + 1n));
  if (hasGaps) writer.varint(Number(head.revision));
  writer.varint(commit.revisions.length);
  let last = base.revision;
  for (const { revision, changes } of commit.revisions) {
    if (hasGaps) writer.varint(Number(revision - last - 1n));
    last = revision;
    writer.varint(changes.length);
    for (const change of changes) writeChange(writer, change);
  }
  writer.varint(commit.registry.length);
  for (const { key, value } of commit.registry) {
    writer.utf8(key);
    writer.uint8(value === null ? 0 : 1);
    if (value !== null) writer.bytes(value);
  }
  return writer.seal(checksum);
}

/** The commit in a segment. Keys and fields are views into it: copy what you keep. */
export function decodeSegment(segment: Segment): Commit {
  const reader = new ByteReader(segment.bytes, `Segment ${segment.sequence}`);
  const format = reader.uint8();
  if (format !== FORMAT && format !== FORMAT_WITH_GAPS)
    throw reader.broken(`has the unknown format ${format}`);
  reader.checksum();
  const id = reader.raw(COMMIT_ID_BYTES);
  const base: Head = {
    sequence: BigInt(reader.varint()),
    revision: BigInt(reader.varint()),
    compacted: BigInt(reader.varint()) - 1n,
  };
  const compacted = BigInt(reader.varint()) - 1n;
  const hasGaps = format === FORMAT_WITH_GAPS;
  const newest = hasGaps ? BigInt(reader.varint()) : undefined;
  const revisions = readRevisions(reader, base.revision, hasGaps);
  const registry = readRegistry(reader);
  reader.end();
  const revision = newest ?? base.revision + BigInt(revisions.length);
  const head: Head = { sequence: base.sequence + 1n, revision, compacted };
  if (head.sequence !== segment.sequence) throw reader.broken(`holds the commit of ${head.sequence}`);
  return { id, base, head, revisions, registry };
}

function boundBytes(commit: Commit): number {
  let bound = PREFIX_BYTES + commit.revisions.length * 2 * VARINT_MAX_BYTES;
  for (const revision of commit.revisions) {
    for (const change of revision.changes) {
      bound += CHANGE_MAX_BYTES + change.key.length + change.field.length;
    }
  }
  for (const { key, value } of commit.registry) {
    bound += 1 + 2 * VARINT_MAX_BYTES + Buffer.byteLength(key) + (value?.length ?? 0);
  }
  return bound;
}

function writeChange(writer: ByteWriter, change: Change): void {
  const previous = Number(change.previous);
  const flags =
    (change.deleted ? DELETED : 0) |
    (previous === 0 ? 0 : HAS_PREVIOUS) |
    (change.lease === 0n ? 0 : HAS_LEASE);
  writer.uint8(flags);
  writer.bytes(change.key);
  writer.bytes(change.field);
  if (flags & HAS_PREVIOUS) writer.varint(previous);
  if (flags & HAS_LEASE) writer.int64(change.lease);
}

function readChange(reader: ByteReader): Change {
  const flags = reader.uint8();
  return {
    deleted: (flags & DELETED) !== 0,
    key: reader.bytes(),
    field: reader.bytes(),
    previous: flags & HAS_PREVIOUS ? BigInt(reader.varint()) : 0n,
    lease: flags & HAS_LEASE ? reader.int64() : 0n,
  };
}

function readRevisions(reader: ByteReader, base: bigint, hasGaps: boolean): Revision[] {
  const revisions: Revision[] = [];
  for (let left = reader.varint(), revision = base + 1n; left > 0; left--, revision++) {
    if (hasGaps) revision += BigInt(reader.varint());
    const changes: Change[] = [];
    for (let more = reader.varint(); more > 0; more--) changes.push(readChange(reader));
    revisions.push({ revision, changes });
  }
  return revisions;
}

function readRegistry(reader: ByteReader): RegistryWrite[] {
  const registry: RegistryWrite[] = [];
  for (let left = reader.varint(); left > 0; left--) {
    const key = reader.utf8();
    registry.push({ key, value: reader.uint8() === 0 ? null : Buffer.from(reader.bytes()) });
  }
  return registry;
}
