const POLYNOMIAL = 0x82f63b78;

const TABLE = Uint32Array.from({ length: 256 }, (_, index) => {
  let value = index;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ POLYNOMIAL : value >>> 1;
  return value;
});

/** CRC-32C (Castagnoli), which Node has only as CRC-32. */
export class Crc32c {
  private inverted = 0xffffffff;

  update(bytes: Uint8Array): void {
    let value = this.inverted;
    for (let index = 0; index < bytes.length; index++) {
      value = TABLE[(value ^ bytes[index]!) & 0xff]! ^ (value >>> 8);
    }
    this.inverted = value;
  }

  get value(): number {
    return (this.inverted ^ 0xffffffff) >>> 0;
  }
}
