import { constants } from "node:fs";
import { type FileHandle, open, writeFile } from "node:fs/promises";
import { crc32 } from "node:zlib";
import { SYNCED_WRITES, SyncedWriter } from "./synced-writer.js";

/*
 * A file of one size, made once, so that a write to it changes no metadata and is synced in one go:
 *
 *   header   magic (8 bytes), identity of the database (8), generation (8)
 *   record   length (4), CRC-32 (4), bytes; one behind the other
 *
 * A file that is used again gets a higher generation. It starts each record's CRC, so what is left of the generation
 * before, or was not written whole, ends the records. Numbers are little-endian.
 */

const MAGIC = Buffer.from("redo-001");
const HEADER_BYTES = 24;
const RECORD_BYTES = 8;
export interface RedoRecords {
  readonly identity: bigint;
  readonly generation: bigint;
  readonly blocks: ArrayBuffer[];
}

/** One of the two files of a redo log, open for appending. */
export class RedoFile {
  private readonly writer = new SyncedWriter();
  private offset = HEADER_BYTES;
  private generation = 0n;

  private constructor(
    private readonly handle: FileHandle,
    private readonly identity: bigint,
    private readonly size: number,
  ) {}

  static async create(path: string, identity: bigint, size: number): Promise<RedoFile> {
    await writeFile(path, Buffer.alloc(size), { mode: 0o600, flush: true });
    return new RedoFile(await open(path, constants.O_RDWR | SYNCED_WRITES), identity, size);
  }

  /** Whether a record of so many bytes fits behind those that are there, or into the file if it is begun anew. */
  fits(bytes: number, anew = false): boolean {
    return (anew ? HEADER_BYTES : this.offset) + RECORD_BYTES + bytes <= this.size;
  }

  /** From now on, records replace what was in the file. */
  begin(generation: bigint): void {
    this.generation = generation;
    this.offset = HEADER_BYTES;
  }

  /** Resolves when the record is on the disk. */
  async append(block: ArrayBuffer): Promise<void> {
    const isFirst = this.offset === HEADER_BYTES;
    const start = isFirst ? HEADER_BYTES : 0;
    const bytes = new Uint8Array(block);
    const record = Buffer.allocUnsafe(start + RECORD_BYTES + bytes.length);
    if (isFirst) this.writeHeader(record);
    record.writeUInt32LE(bytes.length, start);
    record.writeUInt32LE(checksum(this.generation, bytes), start + 4);
    record.set(bytes, start + RECORD_BYTES);
    await this.writer.write(this.handle.fd, record, this.offset - start);
    this.offset += RECORD_BYTES + bytes.length;
  }

  async close(): Promise<void> {
    await this.handle.close();
  }

  private writeHeader(record: Buffer): void {
    MAGIC.copy(record);
    record.writeBigInt64LE(this.identity, 8);
    record.writeBigInt64LE(this.generation, 16);
  }
}

/** What a file holds; undefined if nothing was ever written to it. */
export function readRecords(content: Buffer): RedoRecords | undefined {
  if (content.length < HEADER_BYTES || !content.subarray(0, MAGIC.length).equals(MAGIC)) return undefined;
  const identity = content.readBigInt64LE(8);
  const generation = content.readBigInt64LE(16);
  const blocks: ArrayBuffer[] = [];
  let offset = HEADER_BYTES;
  while (offset + RECORD_BYTES <= content.length) {
    const length = content.readUInt32LE(offset);
    const end = offset + RECORD_BYTES + length;
    if (length === 0 || end > content.length) break;
    const bytes = content.subarray(offset + RECORD_BYTES, end);
    if (checksum(generation, bytes) !== content.readUInt32LE(offset + 4)) break;
    blocks.push(new Uint8Array(bytes).buffer);
    offset = end;
  }
  return { identity, generation, blocks };
}

function checksum(generation: bigint, bytes: Uint8Array): number {
  return crc32(bytes, Number(BigInt.asUintN(32, generation)));
}
