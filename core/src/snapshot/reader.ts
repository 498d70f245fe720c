import { createHash, type Hash } from "node:crypto";
import { StorageError } from "../storage/index.js";
import { BLOCK_BYTES, DIGEST_BYTES, FRAME, FRAME_HEAD_BYTES, MAGIC } from "./format.js";

export interface Frame {
  readonly kind: number;
  readonly body: Buffer;
}

/** The frames of a snapshot, as they come; after the last one its digest is checked. */
export async function* readFrames(source: AsyncIterable<Uint8Array>): AsyncGenerator<Frame> {
  const input = new Input(source);
  if (!(await input.take(MAGIC.length)).equals(MAGIC)) {
    throw damaged("is not one that this version of etcd-adapter can read");
  }
  for (;;) {
    const head = await input.take(FRAME_HEAD_BYTES);
    const frame = { kind: head[0]!, body: await input.take(head.readUInt32BE(1)) };
    yield frame;
    if (frame.kind === FRAME.end) break;
  }
  const padding = input.offset % BLOCK_BYTES;
  if (padding > 0) await input.take(BLOCK_BYTES - padding);
  await input.checkDigest();
}

class Input {
  offset = 0;
  private readonly chunks: AsyncIterator<Uint8Array>;
  private readonly hash: Hash = createHash("sha256");
  private rest: Buffer = Buffer.alloc(0);

  constructor(source: AsyncIterable<Uint8Array>) {
    this.chunks = source[Symbol.asyncIterator]();
  }

  /** The next bytes, which count for the digest. */
  async take(length: number): Promise<Buffer> {
    const bytes = await this.read(length);
    this.hash.update(bytes);
    this.offset += length;
    return bytes;
  }

  /** Zeros in blocks, then the digest, then nothing. */
  async checkDigest(): Promise<void> {
    let tail = await this.read(DIGEST_BYTES);
    while (await this.fill(1)) {
      const more = await this.read(BLOCK_BYTES);
      const both = Buffer.concat([tail, more]);
      this.hash.update(both.subarray(0, BLOCK_BYTES));
      tail = both.subarray(BLOCK_BYTES);
    }
    if (!tail.equals(this.hash.digest())) throw damaged("does not match its SHA-256");
  }

  private async read(length: number): Promise<Buffer> {
    if (!(await this.fill(length))) throw damaged("ends too early");
    const bytes = this.rest.subarray(0, length);
    this.rest = this.rest.subarray(length);
    return bytes;
  }

  private async fill(length: number): Promise<boolean> {
    if (this.rest.length >= length) return true;
    const parts = [this.rest];
    let bytes = this.rest.length;
    while (bytes < length) {
      const next = await this.chunks.next();
      if (next.done) break;
      parts.push(Buffer.from(next.value));
      bytes += next.value.length;
    }
    this.rest = Buffer.concat(parts);
    return bytes >= length;
  }
}

export function damaged(what: string): StorageError {
  return new StorageError("corrupt", `the snapshot ${what}`);
}
