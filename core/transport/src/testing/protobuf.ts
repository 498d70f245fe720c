/** As much of protobuf's wire format as the interop service needs. */

export interface WireField {
  readonly number: number;
  /** Of varints. */
  readonly value: number;
  /** Of strings, bytes, messages, and the eight bytes of doubles. */
  readonly bytes: Buffer;
}

const NOTHING = Buffer.alloc(0);

export function readFields(message: Buffer): WireField[] {
  const fields: WireField[] = [];
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = message.readUInt8(at++);
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
    }
  };
  const take = (length: number): Buffer => {
    at += length;
    return message.subarray(at - length, at);
  };
  while (at < message.length) {
    const tag = varint();
    const number = Math.floor(tag / 8);
    switch (tag % 8) {
      case 0:
        fields.push({ number, value: varint(), bytes: NOTHING });
        break;
      case 1:
        fields.push({ number, value: 0, bytes: take(8) });
        break;
      case 2:
        fields.push({ number, value: 0, bytes: take(varint()) });
        break;
      default:
        throw new Error(`wire type ${tag % 8}`);
    }
  }
  return fields;
}

export function intOf(fields: readonly WireField[], number: number): number {
  return fields.findLast((field) => field.number === number)?.value ?? 0;
}

export function bytesOf(fields: readonly WireField[], number: number): Buffer | undefined {
  return fields.findLast((field) => field.number === number)?.bytes;
}

export function int(number: number, value: number): Buffer {
  return value === 0 ? NOTHING : Buffer.concat([varintBytes(number * 8), varintBytes(value)]);
}

export function bytes(number: number, value: Buffer): Buffer {
  return Buffer.concat([varintBytes(number * 8 + 2), varintBytes(value.length), value]);
}

export function double(number: number, value: Buffer): Buffer {
  return Buffer.concat([varintBytes(number * 8 + 1), value]);
}

function varintBytes(value: number): Buffer {
  const result: number[] = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) result.push((rest % 128) + 128);
  return Buffer.from([...result, rest]);
}
