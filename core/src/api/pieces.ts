/** A response's finished bytes, in pieces that follow each other: a long one needs not be copied to be sent. */
export class Pieces {
  constructor(readonly buffers: readonly Buffer[]) {}

  get length(): number {
    return this.buffers.reduce((sum, { length }) => sum + length, 0);
  }

  joined(): Buffer {
    return Buffer.concat(this.buffers);
  }
}
