import { createHash } from "node:crypto";
import { type FileHandle, open, rename, rm } from "node:fs/promises";
import { BLOCK_BYTES, DIGEST_BYTES } from "../snapshot/format.js";

const BUFFER_BYTES = 1024 * 1024;

/**
 * A snapshot on its way into a file, which has its name only when it is whole and on the disk. Nobody but the owner
 * may read it: it holds every value, and hashes of passwords.
 */
export class SnapshotWriter {
  private readonly hash = createHash("sha256");
  private parts: Buffer[] = [];
  private buffered = 0;
  private bytes = 0;

  private constructor(
    private readonly path: string,
    private readonly partPath: string,
    private readonly file: FileHandle,
  ) {}

  static async create(path: string): Promise<SnapshotWriter> {
    const partPath = `${path}.${process.pid}.part`;
    return new SnapshotWriter(path, partPath, await open(partPath, "w", 0o600));
  }

  /** Keeps `bytes` until they are written. */
  async write(bytes: Buffer): Promise<void> {
    this.parts.push(bytes);
    this.buffered += bytes.length;
    this.bytes += bytes.length;
    if (this.buffered >= BUFFER_BYTES) await this.flush(DIGEST_BYTES);
  }

  /** Ends frames: fills the last block, and puts the digest behind it. */
  async seal(): Promise<void> {
    const rest = this.bytes % BLOCK_BYTES;
    if (rest > 0) this.parts.push(Buffer.alloc(BLOCK_BYTES - rest));
    await this.flush(0);
    await this.publish(this.hash.digest());
  }

  /** Ends bytes that bring their digest; false, and no file, if it is not theirs. */
  async confirm(): Promise<boolean> {
    const brought = await this.flush(DIGEST_BYTES);
    const matches = brought.equals(this.hash.digest());
    if (matches) await this.publish(brought);
    else await this.abandon();
    return matches;
  }

  async abandon(): Promise<void> {
    await this.file.close();
    await rm(this.partPath, { force: true });
  }

  /** Writes all but the last `keep` bytes, and gives those. */
  private async flush(keep: number): Promise<Buffer> {
    const all = Buffer.concat(this.parts);
    const ready = all.subarray(0, Math.max(0, all.length - keep));
    const held = all.subarray(ready.length);
    this.parts = [held];
    this.buffered = held.length;
    this.hash.update(ready);
    await this.file.writeFile(ready);
    return held;
  }

  private async publish(digest: Buffer): Promise<void> {
    await this.file.writeFile(digest);
    await this.file.sync();
    await this.file.close();
    await rename(this.partPath, this.path);
  }
}
