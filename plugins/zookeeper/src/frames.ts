const LENGTH_BYTES = 4;

/** Cuts a byte stream into ZooKeeper's frames, their length before each; copies a frame once at the most. */
export class FrameSplitter {
  #chunks: Buffer[] = [];
  #bytes = 0;

  *push(chunk: Buffer): Generator<Buffer> {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    while (this.#bytes >= LENGTH_BYTES) {
      if (this.#chunks[0]!.length < LENGTH_BYTES) this.#join();
      const end = LENGTH_BYTES + this.#chunks[0]!.readInt32BE(0);
      if (this.#bytes < end) return;
      const all = this.#join();
      this.#chunks = [all.subarray(end)];
      this.#bytes -= end;
      yield all.subarray(0, end);
    }
  }

  #join(): Buffer {
    const all = this.#chunks.length === 1 ? this.#chunks[0]! : Buffer.concat(this.#chunks);
    this.#chunks = [all];
    return all;
  }
}
