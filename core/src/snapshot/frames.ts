import { fieldKey } from "../mvcc/record.js";
import type { LoggedChange, LoggedRevision, RegistryEntry } from "../storage/index.js";
import { ByteReader } from "../storage/log/byte-reader.js";
import { ByteWriter, VARINT_MAX_BYTES } from "../storage/log/byte-writer.js";
import { CHANGE, FRAME, FRAME_HEAD_BYTES, type SnapshotEnd, type SnapshotHeader } from "./format.js";

const CHECKSUM_BYTES = 4;
const CHANGE_MAX_BYTES = 1 + 8 + 3 * VARINT_MAX_BYTES;

export interface RegistryFrame {
  readonly complete: boolean;
  readonly entries: readonly RegistryEntry[];
}

export function headerFrame(header: SnapshotHeader): Buffer {
  return writeJson(FRAME.header, header);
}

export function endFrame(end: SnapshotEnd): Buffer {
  return writeJson(FRAME.end, end);
}

export function registryFrame({ complete, entries }: RegistryFrame): Buffer {
  const bound = entries.reduce(
    (sum, { key, value }) => sum + Buffer.byteLength(key) + (value?.length ?? 0) + 1 + 2 * VARINT_MAX_BYTES,
    1,
  );
  return write(FRAME.registry, bound, (writer) => {
    writer.uint8(complete ? 1 : 0);
    for (const { key, value } of entries) {
      writer.utf8(key);
      writer.uint8(value === null ? 0 : 1);
      if (value) writer.bytes(value);
    }
  });
}

export function changesFrame(revisions: readonly LoggedRevision[]): Buffer {
  let bound = 0;
  for (const { changes } of revisions) {
    bound += 2 * VARINT_MAX_BYTES;
    for (const { field } of changes) bound += CHANGE_MAX_BYTES + field.length;
  }
  return write(FRAME.changes, bound, (writer) => {
    for (const { revision, changes } of revisions) {
      writer.varint(Number(revision));
      writer.varint(changes.length);
      for (const change of changes) writeChange(writer, change);
    }
  });
}

export function readHeaderFrame(body: Buffer): SnapshotHeader {
  return readJson(body, "A snapshot's header") as SnapshotHeader;
}

export function readEndFrame(body: Buffer): SnapshotEnd {
  return readJson(body, "A snapshot's end") as SnapshotEnd;
}

export function readRegistryFrame(body: Buffer): RegistryFrame {
  const reader = open(body, "A snapshot's registry");
  const complete = reader.uint8() === 1;
  const entries: RegistryEntry[] = [];
  while (!reader.atEnd()) {
    const key = reader.utf8();
    entries.push({ key, value: reader.uint8() === 0 ? null : Buffer.from(reader.bytes()) });
  }
  return { complete, entries };
}

export function readChangesFrame(body: Buffer): LoggedRevision[] {
  const reader = open(body, "A snapshot's history");
  const revisions: LoggedRevision[] = [];
  while (!reader.atEnd()) {
    const revision = BigInt(reader.varint());
    const changes: LoggedChange[] = [];
    for (let left = reader.varint(); left > 0; left--) changes.push(readChange(reader));
    revisions.push({ revision, changes });
  }
  return revisions;
}

function writeChange(writer: ByteWriter, change: LoggedChange): void {
  const { deleted, previous, lease } = change;
  writer.uint8(
    (deleted ? CHANGE.deleted : 0) |
      (previous === 0n ? 0 : CHANGE.hasPrevious) |
      (lease === 0n ? 0 : CHANGE.hasLease),
  );
  writer.varint(change.sub);
  writer.bytes(change.field);
  if (previous !== 0n) writer.varint(Number(previous));
  if (lease !== 0n) writer.int64(lease);
}

function readChange(reader: ByteReader): LoggedChange {
  const flags = reader.uint8();
  const sub = reader.varint();
  const field = Buffer.from(reader.bytes());
  return {
    key: fieldKey(field),
    field,
    sub,
    deleted: (flags & CHANGE.deleted) !== 0,
    previous: flags & CHANGE.hasPrevious ? BigInt(reader.varint()) : 0n,
    lease: flags & CHANGE.hasLease ? reader.int64() : 0n,
  };
}

function write(kind: number, boundBytes: number, content: (writer: ByteWriter) => void): Buffer {
  const writer = new ByteWriter(FRAME_HEAD_BYTES + CHECKSUM_BYTES + boundBytes);
  writer.raw(Buffer.from([kind, 0, 0, 0, 0]));
  const checksum = writer.reserveChecksum();
  content(writer);
  const bytes = writer.seal(checksum);
  bytes.writeUInt32BE(bytes.length - FRAME_HEAD_BYTES, 1);
  return bytes;
}

function writeJson(kind: number, value: object): Buffer {
  const json = Buffer.from(JSON.stringify(value));
  return write(kind, json.length, (writer) => writer.raw(json));
}

function readJson(body: Buffer, subject: string): unknown {
  open(body, subject);
  return JSON.parse(body.toString("utf8", CHECKSUM_BYTES));
}

function open(body: Buffer, subject: string): ByteReader {
  const reader = new ByteReader(body, subject);
  reader.checksum();
  return reader;
}
