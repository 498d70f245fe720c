import { setImmediate as nextTurn } from "node:timers/promises";
import type { Head } from "../model.js";
import { ByteReader } from "./byte-reader.js";
import { ByteWriter, VARINT_MAX_BYTES } from "./byte-writer.js";
import { corrupt } from "./corrupt.js";
import type { Dump, DumpHeader } from "./dump.js";
import { frame, readFrames } from "./frames.js";
import type { SnapshotInterval } from "./marks.js";
import type { RegistryRecord } from "./registry-log.js";
import { COMMIT_ID_BYTES } from "./segment.js";
import { State } from "./state.js";
import { pack, Version } from "./version.js";

/**
 * A snapshot is a sequence of frames: HEADER, then REGISTRY and VERSIONS ones, then END. A frame's body is its
 * kind (1 byte), the CRC-32 of what follows (4), and its content.
 */
const FORMAT = 1;
const HEADER = 1;
const REGISTRY = 2;
const VERSIONS = 3;
const END = 4;

const DELETED = 0;
const WITHOUT_LEASE = 1;
const WITH_LEASE = 2;

/** What one frame holds before it is closed: encoding it takes about a millisecond. */
const FRAME_BYTES = 256 * 1024;
const KIND_BYTES = 1 + 4;

/** Gives the event loop a turn after every frame. */
export async function* encodeSnapshot(dump: Dump): AsyncGenerator<Buffer> {
  yield seal(HEADER, headerMaxBytes(dump.header), (writer) => writeHeader(writer, dump.header));
  let total = 0;
  for (const records of batches([dump.registry], recordMaxBytes)) {
    yield encodeBatch(REGISTRY, records, recordMaxBytes, writeRecord);
    total += records.length;
    await nextTurn();
  }
  for (const versions of batches(dump.versions, versionMaxBytes)) {
    yield encodeBatch(VERSIONS, versions, versionMaxBytes, writeVersion);
    total += versions.length;
    await nextTurn();
  }
  yield seal(END, VARINT_MAX_BYTES, (writer) => writer.varint(total));
}

export async function decodeSnapshot(
  chunks: AsyncIterable<Buffer>,
  interval: SnapshotInterval,
): Promise<State> {
  let state: State | undefined;
  let total = 0;
  for await (const body of readFrames(chunks)) {
    const reader = new ByteReader(body, "A snapshot's frame");
    const kind = reader.uint8();
    reader.checksum();
    if (kind === HEADER) state = new State(interval, readHeader(reader));
    if (state === undefined) throw corrupt("A snapshot does not begin with its header");
    if (kind === END) {
      if (reader.varint() !== total) throw corrupt("A snapshot has lost some of its frames");
      state.restored();
      return state;
    }
    if (kind !== HEADER) total += restore(state, kind, reader);
    await nextTurn();
  }
  throw corrupt("A snapshot ends too early");
}

/** Answers how many items the frame held. */
function restore(state: State, kind: number, reader: ByteReader): number {
  if (kind !== REGISTRY && kind !== VERSIONS) throw reader.broken(`has the unknown kind ${kind}`);
  let items = 0;
  for (; !reader.atEnd(); items++) {
    if (kind === REGISTRY) state.restoreRegistry(readRecord(reader));
    else state.restoreVersion(readVersion(reader));
  }
  return items;
}

function* batches<Item>(
  lists: readonly (readonly Item[])[],
  bytes: (item: Item) => number,
): Generator<Item[]> {
  let batch: Item[] = [];
  let size = 0;
  for (const list of lists) {
    for (const item of list) {
      batch.push(item);
      size += bytes(item);
      if (size < FRAME_BYTES) continue;
      yield batch;
      batch = [];
      size = 0;
    }
  }
  if (batch.length > 0) yield batch;
}

function encodeBatch<Item>(
  kind: number,
  items: readonly Item[],
  maxBytes: (item: Item) => number,
  write: (writer: ByteWriter, item: Item) => void,
): Buffer {
  const bound = items.reduce((sum, item) => sum + maxBytes(item), 0);
  return seal(kind, bound, (writer) => {
    for (const item of items) write(writer, item);
  });
}

function seal(kind: number, contentMaxBytes: number, write: (writer: ByteWriter) => void): Buffer {
  const writer = new ByteWriter(KIND_BYTES + contentMaxBytes);
  writer.uint8(kind);
  const checksum = writer.reserveChecksum();
  write(writer);
  return frame(writer.seal(checksum));
}

function headerMaxBytes(header: DumpHeader): number {
  return 1 + 9 * VARINT_MAX_BYTES + header.ids.length * COMMIT_ID_BYTES;
}

function writeHeader(writer: ByteWriter, { head, ids, marks, registryFloor }: DumpHeader): void {
  writer.uint8(FORMAT);
  writer.varint(Number(head.sequence));
  writer.varint(Number(head.revision));
  writer.varint(Number(head.compacted + 1n));
  for (const part of [marks.segments, marks.bytes, marks.newest, marks.before]) writer.varint(part);
  writer.varint(registryFloor);
  writer.varint(ids.length);
  for (const id of ids) writer.raw(id);
}

function readHeader(reader: ByteReader): DumpHeader {
  const format = reader.uint8();
  if (format !== FORMAT) throw reader.broken(`has the unknown format ${format}`);
  const head: Head = {
    sequence: BigInt(reader.varint()),
    revision: BigInt(reader.varint()),
    compacted: BigInt(reader.varint()) - 1n,
  };
  const marks = {
    segments: reader.varint(),
    bytes: reader.varint(),
    newest: reader.varint(),
    before: reader.varint(),
  };
  const registryFloor = reader.varint();
  const ids: Buffer[] = [];
  for (let left = reader.varint(); left > 0; left--) ids.push(reader.raw(COMMIT_ID_BYTES));
  reader.end();
  return { head, ids, marks, registryFloor };
}

function recordMaxBytes({ key, value }: RegistryRecord): number {
  return 1 + 3 * VARINT_MAX_BYTES + 3 * key.length + (value?.length ?? 0);
}

function writeRecord(writer: ByteWriter, { key, value, sequence }: RegistryRecord): void {
  writer.utf8(key);
  writer.varint(sequence);
  writer.uint8(value === null ? 0 : 1);
  if (value !== null) writer.bytes(value);
}

function readRecord(reader: ByteReader): RegistryRecord {
  const key = reader.utf8();
  const sequence = reader.varint();
  return { key, sequence, value: reader.uint8() === 0 ? null : reader.bytes() };
}

function versionMaxBytes({ key, field }: Version): number {
  return 1 + 8 + 5 * VARINT_MAX_BYTES + key.length + field.length;
}

function writeVersion(writer: ByteWriter, version: Version): void {
  writer.latin1(version.key);
  writer.varint(version.revision);
  writer.varint(version.sub);
  writer.varint(version.previous);
  writer.uint8(version.lease === null ? DELETED : version.lease === 0n ? WITHOUT_LEASE : WITH_LEASE);
  if (version.lease) writer.int64(version.lease);
  if (typeof version.field === "string") writer.latin1(version.field);
  else writer.bytes(version.field);
}

function readVersion(reader: ByteReader): Version {
  const key = reader.latin1();
  const revision = reader.varint();
  const sub = reader.varint();
  const previous = reader.varint();
  const lease = readLease(reader);
  return new Version(key, revision, sub, previous, lease, pack(reader.bytes()));
}

function readLease(reader: ByteReader): bigint | null {
  switch (reader.uint8()) {
    case DELETED:
      return null;
    case WITHOUT_LEASE:
      return 0n;
    case WITH_LEASE:
      return reader.int64();
    default:
      throw reader.broken("holds a version of an unknown kind");
  }
}
