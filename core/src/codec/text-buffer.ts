/** Text that grows as bytes: joining strings and encoding them at the end costs twice the time. */

const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
/** The two characters of each 12 bits. */
const PAIRS = Uint8Array.from({ length: 2 * 4096 }, (_, i) => {
  const bits = i >> 1;
  return DIGITS.charCodeAt(i % 2 === 0 ? bits >> 6 : bits & 63);
});
const PAD = 0x3d;
/** From this size on Node's own encoder wins over a loop, its call and its string included. */
const NATIVE_BASE64_BYTES = 192;
const MAX_INT32_DIGITS = 10;

export class TextBuffer {
  private length = 0;
  private bytes: Buffer;

  constructor(capacity: number) {
    this.bytes = Buffer.allocUnsafe(capacity);
  }

  /** The text so far; the buffer must not be used any more. */
  finish(): Buffer {
    return this.bytes.subarray(0, this.length);
  }

  byte(byte: number): void {
    this.reserve(1);
    this.bytes[this.length++] = byte;
  }

  /** Short text that is encoded already. */
  append(text: Uint8Array): void {
    const size = text.length;
    this.reserve(size);
    const { bytes, length } = this;
    for (let i = 0; i < size; i++) {
      bytes[length + i] = text[i] as number;
    }
    this.length = length + size;
  }

  string(text: string): void {
    this.reserve(text.length * 3);
    this.length += this.bytes.write(text, this.length, "utf8");
  }

  integer(value: number | bigint): void {
    if (typeof value === "bigint" || value < 0 || value > 0x7fff_ffff) {
      this.string(String(value));
      return;
    }
    this.reserve(MAX_INT32_DIGITS);
    let size = 1;
    for (let limit = 10; value >= limit; limit *= 10) {
      size += 1;
    }
    let rest = value;
    for (let at = this.length + size - 1; at >= this.length; at--) {
      const tenth = (rest / 10) | 0;
      this.bytes[at] = 0x30 + rest - tenth * 10;
      rest = tenth;
    }
    this.length += size;
  }

  base64(source: Buffer, from: number, to: number): void {
    if (to - from >= NATIVE_BASE64_BYTES) {
      const text = source.toString("base64", from, to);
      this.reserve(text.length);
      this.length += this.bytes.write(text, this.length, "latin1");
      return;
    }
    this.reserve(((to - from + 2) / 3) * 4 + 4);
    let at = from;
    for (; at + 3 <= to; at += 3) {
      this.sextets(
        ((source[at] as number) << 16) | ((source[at + 1] as number) << 8) | (source[at + 2] as number),
      );
    }
    if (at < to) {
      const second = at + 1 < to ? (source[at + 1] as number) : 0;
      this.sextets(((source[at] as number) << 16) | (second << 8));
      this.bytes[this.length - 1] = PAD;
      if (at + 1 === to) {
        this.bytes[this.length - 2] = PAD;
      }
    }
  }

  private sextets(bits: number): void {
    const high = (bits >> 12) * 2;
    const low = (bits & 4095) * 2;
    const { bytes } = this;
    const at = this.length;
    bytes[at] = PAIRS[high] as number;
    bytes[at + 1] = PAIRS[high + 1] as number;
    bytes[at + 2] = PAIRS[low] as number;
    bytes[at + 3] = PAIRS[low + 1] as number;
    this.length = at + 4;
  }

  private reserve(size: number): void {
    if (this.length + size > this.bytes.length) {
      const larger = Buffer.allocUnsafe(2 * (this.length + size));
      this.bytes.copy(larger, 0, 0, this.length);
      this.bytes = larger;
    }
  }
}
