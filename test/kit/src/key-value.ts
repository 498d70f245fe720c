/** Fields as the core makes them: tag 0x12, length, mvccpb.KeyValue. Written here anew, to depend on nothing tested. */
export interface KeyValue {
  key: Buffer;
  createRevision: bigint;
  modRevision: bigint;
  version: bigint;
  value: Buffer;
  lease: bigint;
}

const FIELD_TAG = 0x12;

function varint(value: bigint): Buffer {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, value);
  for (; rest >= 0x80n; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  bytes.push(Number(rest));
  return Buffer.from(bytes);
}

function bytesField(tag: number, value: Buffer): Buffer {
  if (value.length === 0) return Buffer.alloc(0);
  return Buffer.concat([Buffer.of(tag), varint(BigInt(value.length)), value]);
}

function intField(tag: number, value: bigint): Buffer {
  return value === 0n ? Buffer.alloc(0) : Buffer.concat([Buffer.of(tag), varint(value)]);
}

export function encodeField(kv: KeyValue): Buffer {
  const body = Buffer.concat([
    bytesField(0x0a, kv.key),
    intField(0x10, kv.createRevision),
    intField(0x18, kv.modRevision),
    intField(0x20, kv.version),
    bytesField(0x2a, kv.value),
    intField(0x30, kv.lease),
  ]);
  return Buffer.concat([Buffer.of(FIELD_TAG), varint(BigInt(body.length)), body]);
}

/** Reads one varint at `at`; answers it and the offset behind it. */
function readVarint(bytes: Buffer, at: number): [bigint, number] {
  let value = 0n;
  for (let shift = 0n, next = at; ; shift += 7n) {
    const byte = bytes[next++];
    if (byte === undefined) throw new Error("Bytes that are no whole field");
    value |= BigInt(byte & 0x7f) << shift;
    if (byte < 0x80) return [BigInt.asIntN(64, value), next];
  }
}

/** The fields in a run of them. */
export function splitFields(fields: Buffer): Buffer[] {
  const found: Buffer[] = [];
  for (let at = 0; at < fields.length; ) {
    if (fields[at] !== FIELD_TAG) throw new Error(`Byte ${at} begins no field`);
    const [length, body] = readVarint(fields, at + 1);
    const end = body + Number(length);
    if (end > fields.length) throw new Error("Bytes that are no whole field");
    found.push(fields.subarray(at, end));
    at = end;
  }
  return found;
}

export function decodeField(field: Buffer): KeyValue {
  const kv: KeyValue = {
    key: Buffer.alloc(0),
    createRevision: 0n,
    modRevision: 0n,
    version: 0n,
    value: Buffer.alloc(0),
    lease: 0n,
  };
  const [, start] = readVarint(field, 1);
  for (let at = start; at < field.length; ) {
    const tag = field[at];
    const [number, next] = readVarint(field, at + 1);
    at = next;
    if (tag === 0x10) kv.createRevision = number;
    else if (tag === 0x18) kv.modRevision = number;
    else if (tag === 0x20) kv.version = number;
    else if (tag === 0x30) kv.lease = number;
    else {
      const bytes = field.subarray(at, at + Number(number));
      if (tag === 0x0a) kv.key = bytes;
      else kv.value = bytes;
      at += bytes.length;
    }
  }
  return kv;
}

/** A field in one line, for messages of failed tests and to compare by. Long bytes are cut to length and hash. */
export function showField(field: Buffer): string {
  const kv = decodeField(field);
  const lease = kv.lease === 0n ? "" : ` lease ${kv.lease}`;
  return `${showBytes(kv.key)}=${showBytes(kv.value)} create ${kv.createRevision} mod ${kv.modRevision} version ${kv.version}${lease}`;
}

export function showBytes(bytes: Buffer): string {
  if (bytes.length > 64) return `<${bytes.length} bytes, hash ${hash(bytes).toString(16)}>`;
  const text = bytes.toString("latin1");
  return /^[\x21-\x7e]*$/.test(text) ? text : `0x${bytes.toString("hex")}`;
}

/** FNV-1a: enough to tell two test values apart. */
function hash(bytes: Buffer): number {
  let value = 0x811c9dc5;
  for (const byte of bytes) value = Math.imul(value ^ byte, 0x01000193);
  return value >>> 0;
}
