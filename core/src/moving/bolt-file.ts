import { type FileHandle, open } from "node:fs/promises";
import { MovingError } from "./moving-error.js";

/**
 * Reads a bbolt database, in which etcd keeps its state and which is its snapshot. Format: bbolt's page.go, bucket.go
 * and meta.go; all numbers are little endian.
 *
 *   page: id (8), flags (2), count (2), overflow (4), elements
 *   meta (page 0 and 1): magic (4), version (4), page size (4), flags (4), root bucket (16), freelist (8),
 *     pages (8), transaction (8), FNV-1a of all that (8)
 *   branch element: its key's place from here (4) and length (4), page (8)
 *   leaf element: flags (4), its key's place from here (4) and length (4), length of the value behind it (4)
 *   bucket, as a value: root page (8), sequence (8); with root page 0 the page follows
 */
const PAGE_HEAD_BYTES = 16;
const ELEMENT_BYTES = 16;
const META_BYTES = 64;
const BUCKET_HEAD_BYTES = 16;
const FLAG = { branch: 1, leaf: 2 } as const;
const MAGIC = 0xed0cdaed;
const VERSION = 2;
const MIN_PAGE_BYTES = 512;
const MAX_PAGE_BYTES = 1024 * 1024;
const MAX_DEPTH = 64;

export interface BoltEntry {
  readonly key: Buffer;
  readonly value: Buffer;
}

interface Meta {
  readonly pageBytes: number;
  readonly root: number;
  readonly transaction: bigint;
}

/** Whether bytes from the start of a file are those of a bbolt database. */
export function isBolt(start: Buffer): boolean {
  return start.length >= PAGE_HEAD_BYTES + 4 && start.readUInt32LE(PAGE_HEAD_BYTES) === MAGIC;
}

export class BoltFile {
  private constructor(
    private readonly file: FileHandle,
    private readonly sizeBytes: number,
    private readonly meta: Meta,
  ) {}

  static async open(path: string): Promise<BoltFile> {
    const file = await open(path);
    try {
      const { size } = await file.stat();
      return new BoltFile(file, size, await newestMeta(file));
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  close(): Promise<void> {
    return this.file.close();
  }

  /** Entries of a bucket in the order of their keys; none where there is no such bucket. Views: copy what you keep. */
  async *bucket(name: string): AsyncGenerator<BoltEntry> {
    const root = await this.page(this.meta.root);
    for await (const { key, value } of this.entries(root, MAX_DEPTH)) {
      if (key.toString("latin1") !== name) continue;
      const page = Number(value.readBigUInt64LE(0));
      yield* this.entries(page === 0 ? value.subarray(BUCKET_HEAD_BYTES) : await this.page(page), MAX_DEPTH);
      return;
    }
  }

  async get(bucket: string, key: string): Promise<Buffer | undefined> {
    for await (const entry of this.bucket(bucket)) {
      if (entry.key.toString("latin1") === key) return Buffer.from(entry.value);
    }
    return undefined;
  }

  private async *entries(page: Buffer, depth: number): AsyncGenerator<BoltEntry> {
    const flags = page.readUInt16LE(8);
    const count = page.readUInt16LE(10);
    if (depth === 0 || (flags & (FLAG.branch | FLAG.leaf)) === 0) throw broken();
    for (let index = 0; index < count; index++) {
      const at = PAGE_HEAD_BYTES + index * ELEMENT_BYTES;
      if (flags & FLAG.branch) {
        yield* this.entries(await this.page(Number(page.readBigUInt64LE(at + 8))), depth - 1);
        continue;
      }
      const start = at + page.readUInt32LE(at + 4);
      const middle = start + page.readUInt32LE(at + 8);
      const end = middle + page.readUInt32LE(at + 12);
      if (end > page.length) throw broken();
      yield { key: page.subarray(start, middle), value: page.subarray(middle, end) };
    }
  }

  private async page(id: number): Promise<Buffer> {
    const { pageBytes } = this.meta;
    const first = await this.read(id * pageBytes, pageBytes);
    if (first.readBigUInt64LE(0) !== BigInt(id)) throw broken();
    const overflow = first.readUInt32LE(12);
    return overflow === 0 ? first : this.read(id * pageBytes, (overflow + 1) * pageBytes);
  }

  private async read(position: number, length: number): Promise<Buffer> {
    if (position + length > this.sizeBytes) throw broken();
    const bytes = Buffer.allocUnsafeSlow(length);
    const { bytesRead } = await this.file.read(bytes, 0, length, position);
    if (bytesRead < length) throw broken();
    return bytes;
  }
}

/** The two are written in turn: the later one that is whole counts. */
async function newestMeta(file: FileHandle): Promise<Meta> {
  const first = await metaAt(file, 0);
  const metas = [first];
  for (let bytes = MIN_PAGE_BYTES; bytes <= MAX_PAGE_BYTES; bytes *= 2) {
    if (!first || first.pageBytes === bytes) metas.push(await metaAt(file, bytes));
  }
  const whole = metas.filter((meta) => meta !== undefined);
  if (whole.length === 0) throw broken();
  return whole.reduce((newest, meta) => (meta.transaction > newest.transaction ? meta : newest));
}

async function metaAt(file: FileHandle, position: number): Promise<Meta | undefined> {
  const bytes = Buffer.alloc(META_BYTES);
  const { bytesRead } = await file.read(bytes, 0, META_BYTES, position + PAGE_HEAD_BYTES);
  if (bytesRead < META_BYTES || bytes.readUInt32LE(0) !== MAGIC || bytes.readUInt32LE(4) !== VERSION) {
    return undefined;
  }
  if (bytes.readBigUInt64LE(56) !== fnv1a(bytes.subarray(0, 56))) return undefined;
  return {
    pageBytes: bytes.readUInt32LE(8),
    root: Number(bytes.readBigUInt64LE(16)),
    transaction: bytes.readBigUInt64LE(48),
  };
}

function fnv1a(bytes: Buffer): bigint {
  let hash = 0xcbf29ce484222325n;
  for (const byte of bytes) hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
  return hash;
}

function broken(): MovingError {
  return new MovingError("the etcd snapshot is damaged: its pages contradict each other.");
}
