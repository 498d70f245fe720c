/** Memory for what waits to be written, reused by all connections of a server. */

/** What most connections have to say in one turn fits here. */
export const SMALL_BLOCK_BYTES = 1_024;
export const BLOCK_BYTES = 16_384;

/** Small blocks are made so many at a time: an event to ten thousand connections needs as many. */
const SLAB_BYTES = 65_536;

/** Blocks that are kept when nobody needs them: 4 MiB of either size. */
const KEPT_BYTES = 4 * 1024 * 1024;

export class BlockPool {
  private readonly small: Buffer[] = [];
  private readonly large: Buffer[] = [];

  takeSmall(): Buffer {
    if (this.small.length === 0) this.makeSmall();
    return this.small.pop() as Buffer;
  }

  take(): Buffer {
    return this.large.pop() ?? Buffer.allocUnsafeSlow(BLOCK_BYTES);
  }

  give(block: Buffer): void {
    const { length } = block;
    const kept = length === BLOCK_BYTES ? this.large : this.small;
    if (kept.length * length < KEPT_BYTES) kept.push(block);
  }

  private makeSmall(): void {
    const slab = Buffer.allocUnsafeSlow(SLAB_BYTES);
    for (let at = 0; at < SLAB_BYTES; at += SMALL_BLOCK_BYTES) {
      this.small.push(slab.subarray(at, at + SMALL_BLOCK_BYTES));
    }
  }
}

/** Writes all that the connections of a server have to say in one turn of the event loop at its end. */
export class Flusher {
  private waiting: { flush(): void }[] = [];
  private scheduled = false;

  constructor(private readonly onFlushed: () => void) {}

  add(output: { flush(): void }): void {
    this.waiting.push(output);
    if (!this.scheduled) {
      this.scheduled = true;
      setImmediate(this.run);
    }
  }

  private readonly run = (): void => {
    const { waiting } = this;
    this.waiting = [];
    this.scheduled = false;
    for (const output of waiting) output.flush();
    this.onFlushed();
  };
}
