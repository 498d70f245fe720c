/**
 * The bytes of a message straight to JSON text. Ranges and events are finished bytes, and making objects of
 * thousands of key-values only to write them out again costs more than all else of such an answer.
 */
import { type DescMessage, fromBinary } from "@bufbuild/protobuf";
import { writeEnum, writeJson } from "./json-writer.js";
import { type FieldPlan, Kind, type MessagePlan, planOf } from "./plan.js";
import { TextBuffer } from "./text-buffer.js";
import { WireReader, WireType } from "./wire-reader.js";

const QUOTE = 0x22;
const COMMA = 0x2c;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const TRUE = new Uint8Array(Buffer.from("true"));

/** `prefix` and `suffix` go around the text. */
export function transcode(type: DescMessage, bytes: Uint8Array, prefix = "", suffix = ""): Buffer {
  const reader = new WireReader(bytes);
  const text = new TextBuffer(2 * bytes.length + 512);
  text.string(prefix);
  if (!transcodeMessage(reader, text, planOf(type), bytes.length)) {
    return Buffer.from(`${prefix}${writeJson(type, fromBinary(type, bytes))}${suffix}`);
  }
  text.string(suffix);
  return text.finish();
}

/** False if the bytes are not as encoders write them, fields in order: then they need the long way. */
function transcodeMessage(reader: WireReader, text: TextBuffer, plan: MessagePlan, end: number): boolean {
  text.byte(OPEN_OBJECT);
  let last: FieldPlan | undefined;
  while (reader.position < end) {
    const tag = reader.uint32();
    const field = plan.byNumber[tag >>> 3];
    if (field === undefined || (tag & 7) !== wireTypeOf(field) || !follows(field, last)) {
      return false;
    }
    if (field === last) {
      text.byte(COMMA);
    } else {
      startField(text, field, last);
      last = field;
    }
    if (!transcodeValue(reader, text, field)) {
      return false;
    }
  }
  if (last?.repeated) {
    text.byte(CLOSE_ARRAY);
  }
  text.byte(CLOSE_OBJECT);
  return reader.position === end;
}

function follows(field: FieldPlan, last: FieldPlan | undefined): boolean {
  if (last === undefined) {
    return true;
  }
  // Members of a oneof have numbers next to each other, so that comparing with the last one is enough.
  return field === last
    ? field.repeated
    : field.number > last.number && (field.oneof === undefined || field.oneof !== last.oneof);
}

function startField(text: TextBuffer, field: FieldPlan, last: FieldPlan | undefined): void {
  if (last !== undefined) {
    if (last.repeated) {
      text.byte(CLOSE_ARRAY);
    }
    text.byte(COMMA);
  }
  text.append(field.labelBytes);
  if (field.repeated) {
    text.byte(OPEN_ARRAY);
  }
}

/** False for a default that is spelled out, too: JSON leaves it out. */
function transcodeValue(reader: WireReader, text: TextBuffer, field: FieldPlan): boolean {
  if (field.kind === Kind.message) {
    const length = reader.uint32();
    return transcodeMessage(reader, text, field.message as MessagePlan, reader.position + length);
  }
  if (field.kind === Kind.bytes || field.kind === Kind.string) {
    const length = reader.uint32();
    const start = reader.position;
    reader.position += length;
    if (length === 0 && !field.presence) {
      return false;
    }
    if (field.kind === Kind.string) {
      text.string(JSON.stringify(reader.bytes.toString("utf8", start, reader.position)));
    } else {
      text.byte(QUOTE);
      text.base64(reader.bytes, start, Math.min(reader.position, reader.bytes.length));
      text.byte(QUOTE);
    }
    return true;
  }
  const value = reader.varint();
  if (value === 0 && !field.presence) {
    return false;
  }
  writeInteger(text, field, value);
  return true;
}

function writeInteger(text: TextBuffer, field: FieldPlan, value: number | bigint): void {
  switch (field.kind) {
    case Kind.bool:
      value ? text.append(TRUE) : text.string("false");
      break;
    case Kind.int64:
    case Kind.uint64:
      text.byte(QUOTE);
      text.integer(typeof value === "bigint" && field.kind === Kind.int64 ? BigInt.asIntN(64, value) : value);
      text.byte(QUOTE);
      break;
    case Kind.enum:
      text.string(writeEnum(field, toInt32(value)));
      break;
    case Kind.int32:
      text.integer(toInt32(value));
      break;
    default:
      text.integer(value);
  }
}

function toInt32(value: number | bigint): number {
  return typeof value === "bigint" ? Number(BigInt.asIntN(32, value)) : value | 0;
}

/** Lists of numbers are packed, which the long way must unpack; the answers of etcd's API have few. */
function wireTypeOf(field: FieldPlan): WireType | undefined {
  if (field.kind === Kind.message || field.kind === Kind.bytes || field.kind === Kind.string) {
    return WireType.lengthDelimited;
  }
  return field.repeated ? undefined : WireType.varint;
}
