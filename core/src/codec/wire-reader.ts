/** The parts of protobuf's wire format that etcd's messages use. */

export const WireType = { varint: 0, lengthDelimited: 2 } as const;

export type WireType = (typeof WireType)[keyof typeof WireType];

const MAX_SAFE_BYTES = 7;

/** Reads past the end as zeros; who reads compares `position` with the end that it knows. */
export class WireReader {
  position = 0;
  readonly bytes: Buffer;

  constructor(bytes: Uint8Array) {
    this.bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  uint32(): number {
    const byte = this.bytes[this.position] as number;
    if (byte < 0x80) {
      this.position += 1;
      return byte;
    }
    return Number(this.varint());
  }

  /** An unsigned 64-bit integer: a number where 49 bits hold it, a bigint above. */
  varint(): number | bigint {
    let value = 0;
    let factor = 1;
    for (let i = 0; i < MAX_SAFE_BYTES; i++) {
      const byte = this.bytes[this.position++] as number;
      value += (byte & 0x7f) * factor;
      if (byte < 0x80 || byte === undefined) {
        return value;
      }
      factor *= 128;
    }
    return this.longVarint(value);
  }

  private longVarint(low: number): bigint {
    let value = BigInt(low);
    for (let shift = 49n; shift < 70n; shift += 7n) {
      const byte = this.bytes[this.position++] ?? 0;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) {
        break;
      }
    }
    return BigInt.asUintN(64, value);
  }
}
