import { crc32 } from "node:zlib";
import { corrupt } from "./corrupt.js";

/** Reads what ByteWriter wrote; whatever does not fit rejects as `corrupt`, naming `subject`. */
export class ByteReader {
  readonly #bytes: Buffer;
  readonly #subject: string;
  #at = 0;

  constructor(bytes: Buffer, subject: string) {
    this.#bytes = bytes;
    this.#subject = subject;
  }

  uint8(): number {
    const value = this.#bytes[this.#at++];
    if (value === undefined) throw this.broken("ends too early");
    return value;
  }

  varint(): number {
    let value = 0;
    let scale = 1;
    for (;;) {
      const byte = this.uint8();
      value += (byte & 0x7f) * scale;
      if (value > Number.MAX_SAFE_INTEGER) throw this.broken("holds a number that is too large");
      if (byte < 0x80) return value;
      scale *= 0x80;
    }
  }

  int64(): bigint {
    return this.raw(8).readBigInt64LE();
  }

  /** The next `length` bytes, as a view. */
  raw(length: number): Buffer {
    const start = this.#at;
    this.#at += length;
    if (this.#at > this.#bytes.length) throw this.broken("ends too early");
    return this.#bytes.subarray(start, this.#at);
  }

  bytes(): Buffer {
    return this.raw(this.varint());
  }

  latin1(): string {
    return this.bytes().toString("latin1");
  }

  utf8(): string {
    return this.bytes().toString("utf8");
  }

  /** Reads a checksum and compares it with that of all the bytes behind it. */
  checksum(): void {
    const expected = this.raw(4).readUInt32LE();
    if (crc32(this.#bytes.subarray(this.#at)) !== expected) throw this.broken("has a wrong checksum");
  }

  atEnd(): boolean {
    return this.#at >= this.#bytes.length;
  }

  end(): void {
    if (!this.atEnd()) throw this.broken("is too long");
  }

  broken(what: string): Error {
    return corrupt(`${this.#subject} ${what}`);
  }
}
