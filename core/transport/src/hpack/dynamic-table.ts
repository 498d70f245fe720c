import type { Field } from "./field.js";

/** The entries that one end of a connection has added: a ring, in which index 0 is the newest. */
export class DynamicTable {
  private ring: (Field | undefined)[] = [];
  private oldest = 0;
  private count = 0;
  private bytes = 0;
  /** Entries ever added: as long as it stays, so does every index. */
  insertions = 0;

  constructor(private maxBytes: number) {}

  get length(): number {
    return this.count;
  }

  get size(): number {
    return this.bytes;
  }

  at(index: number): Field | undefined {
    if (index >= this.count) return undefined;
    return this.ring[(this.oldest + this.count - 1 - index) % this.ring.length];
  }

  add(field: Field): void {
    this.insertions += 1;
    const { size } = field;
    this.evictTo(this.maxBytes - size);
    if (size > this.maxBytes) return;
    if (this.count === this.ring.length) this.grow();
    this.ring[(this.oldest + this.count) % this.ring.length] = field;
    this.count += 1;
    this.bytes += size;
  }

  resize(maxBytes: number): void {
    this.insertions += 1;
    this.maxBytes = maxBytes;
    this.evictTo(maxBytes);
  }

  private evictTo(bytes: number): void {
    while (this.count > 0 && this.bytes > bytes) {
      this.bytes -= this.ring[this.oldest]?.size ?? 0;
      this.ring[this.oldest] = undefined;
      this.oldest = (this.oldest + 1) % this.ring.length;
      this.count -= 1;
    }
  }

  private grow(): void {
    const ordered = [...this.ring.slice(this.oldest), ...this.ring.slice(0, this.oldest)];
    this.ring = ordered.concat(new Array(Math.max(8, ordered.length)).fill(undefined));
    this.oldest = 0;
  }
}
