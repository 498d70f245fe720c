import { crc32 } from "node:zlib";

/** Bytes that a number takes at the most in `varint`: 53 bits in groups of 7. */
export const VARINT_MAX_BYTES = 8;

/** Writes into one allocation, whose size the caller bounds beforehand: nothing is ever moved. */
export class ByteWriter {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(capacityBytes: number) {
    this.#bytes = Buffer.allocUnsafe(capacityBytes);
  }

  get length(): number {
    return this.#at;
  }

  uint8(value: number): void {
    this.#bytes[this.#at++] = value;
  }

  /** A whole number from 0 to 2^53 - 1. */
  varint(value: number): void {
    let rest = value;
    while (rest >= 0x80) {
      this.#bytes[this.#at++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.#bytes[this.#at++] = rest;
  }

  int64(value: bigint): void {
    this.#at = this.#bytes.writeBigInt64LE(value, this.#at);
  }

  raw(bytes: Uint8Array): void {
    this.#bytes.set(bytes, this.#at);
    this.#at += bytes.length;
  }

  bytes(bytes: Uint8Array): void {
    this.varint(bytes.length);
    this.raw(bytes);
  }

  latin1(text: string): void {
    this.varint(text.length);
    this.#at += this.#bytes.write(text, this.#at, "latin1");
  }

  utf8(text: string): void {
    this.varint(Buffer.byteLength(text));
    this.#at += this.#bytes.write(text, this.#at, "utf8");
  }

  /** Leaves room for a checksum and returns its place, for `seal`. */
  reserveChecksum(): number {
    const place = this.#at;
    this.#at += 4;
    return place;
  }

  /** Writes the checksum of all that stands behind `place` there, and gives the bytes. */
  seal(place: number): Buffer {
    this.#bytes.writeUInt32LE(crc32(this.#bytes.subarray(place + 4, this.#at)), place);
    return this.#bytes.subarray(0, this.#at);
  }
}
