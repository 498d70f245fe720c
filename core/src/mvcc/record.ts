/**
 * Key-values as bytes. A record is encoded once, when it is committed, in the form in which every answer
 * needs it: field 2 of RangeResponse and of Event (tag 0x12, length, mvccpb.KeyValue). Ranges and events
 * are then spliced together from finished fields.
 */

export interface KeyValue {
  readonly key: Buffer;
  readonly createRevision: bigint;
  readonly modRevision: bigint;
  readonly version: bigint;
  readonly value: Buffer;
  readonly lease: bigint;
}

const FIELD_TAG = 0x12;
const KEY_TAG = 0x0a;
const CREATE_TAG = 0x10;
const MOD_TAG = 0x18;
const VERSION_TAG = 0x20;
const VALUE_TAG = 0x2a;
const LEASE_TAG = 0x30;

const EMPTY: Buffer = Buffer.alloc(0);
const MAX_SAFE = BigInt(Number.MAX_SAFE_INTEGER);

/** Bytes that `value` takes as a varint; negative numbers take ten, as in protobuf's int64. */
export function varintSize(value: bigint): number {
  if (value < 0n) return 10;
  if (value > MAX_SAFE) return Math.ceil(value.toString(2).length / 7);
  let rest = Number(value);
  let size = 1;
  while (rest >= 0x80) {
    rest = Math.floor(rest / 0x80);
    size++;
  }
  return size;
}

/** Writes `value` at `offset` and returns the offset behind it. */
export function writeVarint(target: Buffer, offset: number, value: bigint): number {
  let at = offset;
  if (value >= 0n && value <= MAX_SAFE) {
    let rest = Number(value);
    while (rest >= 0x80) {
      target[at++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    target[at++] = rest;
    return at;
  }
  let rest = BigInt.asUintN(64, value);
  while (rest >= 0x80n) {
    target[at++] = Number(rest & 0x7fn) | 0x80;
    rest >>= 7n;
  }
  target[at++] = Number(rest);
  return at;
}

/** A cursor over protobuf bytes; only what key-values and events need. */
export class Reader {
  constructor(
    readonly bytes: Buffer,
    public offset = 0,
  ) {}

  /** A varint that is known to be a length or a tag. */
  size(): number {
    let value = 0;
    let scale = 1;
    for (;;) {
      const byte = this.bytes[this.offset++];
      if (byte === undefined) throw new RangeError("truncated varint");
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 0x80;
    }
  }

  int64(): bigint {
    const start = this.offset;
    while ((this.bytes[this.offset++] ?? 0) >= 0x80);
    if (this.offset - start <= 7) {
      this.offset = start;
      return BigInt(this.size());
    }
    let value = 0n;
    for (let at = this.offset - 1; at >= start; at--) {
      value = (value << 7n) | BigInt(this.bytes[at]! & 0x7f);
    }
    return BigInt.asIntN(64, value);
  }

  /** Passes over a length-delimited field. */
  skip(): void {
    const length = this.size();
    this.offset += length;
  }

  /** The bytes of a length-delimited field, as a view. */
  view(): Buffer {
    const length = this.size();
    const start = this.offset;
    this.offset += length;
    if (this.offset > this.bytes.length) throw new RangeError("truncated field");
    return this.bytes.subarray(start, this.offset);
  }
}

export function lengthSize(length: number): number {
  let size = 1;
  for (let rest = length; rest >= 0x80; rest = Math.floor(rest / 0x80)) size++;
  return size;
}

function intFieldSize(value: bigint): number {
  return value === 0n ? 0 : 1 + varintSize(value);
}

function writeInt(target: Buffer, offset: number, tag: number, value: bigint): number {
  if (value === 0n) return offset;
  target[offset] = tag;
  return writeVarint(target, offset + 1, value);
}

export function writeLength(target: Buffer, offset: number, length: number): number {
  let at = offset;
  let rest = length;
  while (rest >= 0x80) {
    target[at++] = (rest % 0x80) | 0x80;
    rest = Math.floor(rest / 0x80);
  }
  target[at++] = rest;
  return at;
}

function writeBytes(target: Buffer, offset: number, tag: number, bytes: Uint8Array): number {
  if (bytes.length === 0) return offset;
  target[offset] = tag;
  const at = writeLength(target, offset + 1, bytes.length);
  target.set(bytes, at);
  return at + bytes.length;
}

function bytesFieldSize(bytes: Uint8Array): number {
  return bytes.length === 0 ? 0 : 1 + lengthSize(bytes.length) + bytes.length;
}

/** The field of a live key-value. Its bytes are its own: nothing of `kv` is retained. */
export function encodeField(kv: KeyValue): Buffer {
  const length =
    bytesFieldSize(kv.key) +
    intFieldSize(kv.createRevision) +
    intFieldSize(kv.modRevision) +
    intFieldSize(kv.version) +
    bytesFieldSize(kv.value) +
    intFieldSize(kv.lease);
  const field = Buffer.allocUnsafe(1 + lengthSize(length) + length);
  field[0] = FIELD_TAG;
  let at = writeLength(field, 1, length);
  at = writeBytes(field, at, KEY_TAG, kv.key);
  at = writeInt(field, at, CREATE_TAG, kv.createRevision);
  at = writeInt(field, at, MOD_TAG, kv.modRevision);
  at = writeInt(field, at, VERSION_TAG, kv.version);
  at = writeBytes(field, at, VALUE_TAG, kv.value);
  writeInt(field, at, LEASE_TAG, kv.lease);
  return field;
}

/** The field of a deletion: key and mod_revision only, as etcd's DELETE events have it. */
export function encodeTombstone(key: Buffer, revision: bigint): Buffer {
  return encodeField({
    key,
    createRevision: 0n,
    modRevision: revision,
    version: 0n,
    value: EMPTY,
    lease: 0n,
  });
}

/** The field of an encoded mvccpb.KeyValue. */
export function fieldOf(body: Uint8Array): Buffer {
  const field = Buffer.allocUnsafe(1 + lengthSize(body.length) + body.length);
  field[0] = FIELD_TAG;
  field.set(body, writeLength(field, 1, body.length));
  return field;
}

/** The key-value in a field; `key` and `value` are views into it. */
export function decodeField(field: Buffer): KeyValue {
  const reader = new Reader(field, 1);
  return decodeKeyValue(reader.view());
}

function decodeKeyValue(bytes: Buffer): KeyValue {
  const reader = new Reader(bytes);
  let key = EMPTY;
  let value = EMPTY;
  let createRevision = 0n;
  let modRevision = 0n;
  let version = 0n;
  let lease = 0n;
  while (reader.offset < bytes.length) {
    switch (bytes[reader.offset++]) {
      case KEY_TAG:
        key = reader.view();
        break;
      case CREATE_TAG:
        createRevision = reader.int64();
        break;
      case MOD_TAG:
        modRevision = reader.int64();
        break;
      case VERSION_TAG:
        version = reader.int64();
        break;
      case VALUE_TAG:
        value = reader.view();
        break;
      case LEASE_TAG:
        lease = reader.int64();
        break;
      default:
        throw new RangeError("not a key-value");
    }
  }
  return { key, createRevision, modRevision, version, value, lease };
}

/** The single fields in a run of them, as views. */
export function splitFields(fields: Buffer): Buffer[] {
  const out: Buffer[] = [];
  const reader = new Reader(fields);
  while (reader.offset < fields.length) {
    const start = reader.offset++;
    reader.view();
    out.push(fields.subarray(start, reader.offset));
  }
  return out;
}

/** The mvccpb.KeyValue inside a field, without tag and length. */
export function fieldBody(field: Buffer): Buffer {
  return new Reader(field, 1).view();
}

/** The key of a field, as a view. */
export function fieldKey(field: Buffer): Buffer {
  const body = fieldBody(field);
  return body[0] === KEY_TAG ? new Reader(body, 1).view() : EMPTY;
}

/** The modification revision of a field. */
export function fieldRevision(field: Buffer): bigint {
  const reader = new Reader(field, 1);
  reader.size();
  while (reader.offset < field.length) {
    const tag = field[reader.offset++];
    if (tag === MOD_TAG) return reader.int64();
    if (tag === KEY_TAG || tag === VALUE_TAG) reader.skip();
    else reader.int64();
  }
  return 0n;
}

/** The same field without its value, for keys_only. */
export function withoutValue(field: Buffer): Buffer {
  return encodeField({ ...decodeField(field), value: EMPTY });
}

/** The same bytes behind another single-byte tag, such as prev_kv's in Event. */
export function retag(field: Buffer, tag: number): Buffer {
  const out = Buffer.from(field);
  out[0] = tag;
  return out;
}
