const SLAB_BYTES = 64 * 1024;

/**
 * Memory for many small pieces that are let go of in the order in which they came. Pieces of a larger buffer, such as a page
 * of a storage's answer or Node's pool, would each keep all of that buffer.
 */
export class Slabs {
  private slab: Buffer = Buffer.alloc(0);
  private used = 0;

  take(bytes: number): Buffer {
    if (bytes > SLAB_BYTES / 8) return Buffer.allocUnsafeSlow(bytes);
    if (this.used + bytes > this.slab.length) {
      this.slab = Buffer.allocUnsafeSlow(SLAB_BYTES);
      this.used = 0;
    }
    const start = this.used;
    this.used += bytes;
    return this.slab.subarray(start, this.used);
  }
}
