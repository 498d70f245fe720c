import type { QueryStorage, StorageSize } from "../storage/index.js";

/** How old a size may be that is only shown. */
const MAX_AGE_MS = 1_000;

/** The backend's size, asked for at a bounded rate however many want to know it. */
export class SizeMeter {
  private last: { readonly size: StorageSize; readonly at: number } | undefined;
  private asking: Promise<StorageSize> | undefined;

  constructor(private readonly storage: QueryStorage) {}

  /** The last size measured; undefined before the first. */
  get known(): StorageSize | undefined {
    return this.last?.size;
  }

  async size(maxAgeMs = MAX_AGE_MS): Promise<StorageSize> {
    if (this.last && performance.now() - this.last.at < maxAgeMs) return this.last.size;
    this.asking ??= this.measure().finally(() => {
      this.asking = undefined;
    });
    return this.asking;
  }

  private async measure(): Promise<StorageSize> {
    const { total, inUse } = await this.storage.size();
    // Clients take a size of nothing for a fault; an etcd is never empty either.
    const used = inUse > 0n ? inUse : 1n;
    const size = { total: total > used ? total : used, inUse: used };
    this.last = { size, at: performance.now() };
    return size;
  }
}
