import { constants, fdatasync, write, writeSync } from "node:fs";
import { BlockingBudget } from "./blocking-budget.js";

/** For a file's flags. On Linux a write to such a file returns when it is on the disk; elsewhere a sync follows. */
export const SYNCED_WRITES = process.platform === "linux" ? constants.O_DSYNC : 0;

/**
 * Handing a write to another thread and being told of its end takes about as long as the write itself on a fast disk. So
 * short ones are made on this thread, like short reads, as long as the disk most often answers in so little time.
 */
const SHORT_BYTES = 2_048;
const FAST_MS = 0.5;

/** Writes that are on the disk when they are done. One at a time. */
export class SyncedWriter {
  private readonly blocking = new BlockingBudget(FAST_MS);

  async write(fd: number, bytes: Buffer, position: number): Promise<void> {
    const startedMs = performance.now();
    if (SYNCED_WRITES !== 0 && bytes.length <= SHORT_BYTES && this.blocking.allows(startedMs)) {
      expectWhole(writeSync(fd, bytes, 0, bytes.length, position), bytes);
      this.blocking.took(performance.now() - startedMs);
      return;
    }
    expectWhole(await written(fd, bytes, position), bytes);
    if (SYNCED_WRITES === 0) await synced(fd);
  }
}

/** With a callback: a FileHandle's own write takes a good deal longer. */
function written(fd: number, bytes: Buffer, position: number): Promise<number> {
  return new Promise((resolve, reject) => {
    write(fd, bytes, 0, bytes.length, position, (error, count) => (error ? reject(error) : resolve(count)));
  });
}

function synced(fd: number): Promise<void> {
  return new Promise((resolve, reject) => {
    fdatasync(fd, (error) => (error ? reject(error) : resolve()));
  });
}

function expectWhole(count: number, bytes: Buffer): void {
  if (count < bytes.length) throw new Error(`${count} of ${bytes.length} bytes were written`);
}
