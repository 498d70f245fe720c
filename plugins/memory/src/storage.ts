import {
  type LogStorage,
  type Segment,
  type Snapshot,
  StorageError,
  type StorageSize,
} from "@etcd-adapter/core/storage";

/**
 * A log that forgets each segment at once: the core's state is the only copy. It never asks for a segment's
 * bytes, so nothing is encoded.
 */
export class MemoryStorage implements LogStorage {
  readonly shared = false;
  #last = 0n;
  #closed = false;

  async open(): Promise<void> {
    this.#refuseClosed();
  }

  async close(): Promise<void> {
    this.#closed = true;
  }

  async last(): Promise<bigint> {
    this.#refuseClosed();
    return this.#last;
  }

  async append(sequence: bigint, _encode: () => Buffer): Promise<void> {
    this.#refuseClosed();
    if (sequence !== this.#last + 1n) {
      throw new StorageError("conflict", `Segment ${sequence} does not follow ${this.#last}`);
    }
    this.#last = sequence;
  }

  async read(after: bigint, _limitBytes: number): Promise<Segment[]> {
    this.#refuseClosed();
    if (after < this.#last) throw new StorageError("compacted", "The memory storage keeps no segments");
    return [];
  }

  async loadSnapshot(): Promise<Snapshot | undefined> {
    this.#refuseClosed();
    return undefined;
  }

  async saveSnapshot(_snapshot: Snapshot): Promise<void> {
    this.#refuseClosed();
  }

  async trim(_through: bigint): Promise<void> {
    this.#refuseClosed();
  }

  /** Nothing of its own: the core then reports its state's size. */
  async size(): Promise<StorageSize> {
    this.#refuseClosed();
    return { total: 0n, inUse: 0n };
  }

  #refuseClosed(): void {
    if (this.#closed) throw new StorageError("closed", "The memory storage was closed");
  }
}
