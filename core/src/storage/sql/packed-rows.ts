import type { LogPage, LogRow } from "./driver.js";

/** Log rows as the statement `logRows` aggregates them, cheap to read and to hand to another thread. */
export interface PackedRows {
  /** Rows divided by `;`, columns by `,`; lengths last, where -1 is no value. */
  readonly numbers: string[];
  readonly keys: Uint8Array[];
  readonly fields: Uint8Array[];
  readonly before: Uint8Array[];
  readonly more: boolean;
}

export function unpackRows(packed: PackedRows): LogPage {
  const rows: LogRow[] = [];
  for (const [index, numbers] of packed.numbers.entries()) {
    const key = slicer(packed.keys[index]!);
    const field = slicer(packed.fields[index]!);
    const before = slicer(packed.before[index]!);
    for (const row of numbers.split(";")) {
      const [revision, sub, deleted, previous, lease, keyLength, fieldLength, beforeLength] = row.split(",");
      const change = {
        sub: Number(sub),
        key: key(Number(keyLength)),
        field: field(Number(fieldLength)),
        deleted: deleted === "1",
        previous: BigInt(previous!),
        lease: BigInt(lease!),
      };
      rows.push({
        revision: BigInt(revision!),
        change: beforeLength === "-1" ? change : { ...change, previousField: before(Number(beforeLength)) },
      });
    }
  }
  return { rows, more: packed.more };
}

function slicer(bytes: Uint8Array): (length: number) => Buffer {
  const buffer = asBuffer(bytes);
  let offset = 0;
  return (length) => {
    offset += length;
    return buffer.subarray(offset - length, offset);
  };
}

/** Buffers that crossed a thread arrive as plain arrays. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
