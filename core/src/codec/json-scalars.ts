import { decodeBase64 } from "./base64.js";
import { parseInt32, parseInt64 } from "./integers.js";
import type { JsonCursor } from "./json-cursor.js";
import { type FieldPlan, Kind } from "./plan.js";

/** A value of the field's kind. Undefined for an enum's name that is unknown: it is to be ignored. */
export function readScalar(cursor: JsonCursor, field: FieldPlan): unknown {
  const first = cursor.peek();
  const start = cursor.position;
  const value = readToken(cursor, field, first);
  if (value === INVALID) {
    const token = cursor.tokenAt(start);
    throw cursor.error(start, `invalid value for ${field.kindName} field ${field.jsonName}: ${token}`);
  }
  return value;
}

const INVALID = Symbol("invalid");

function readToken(cursor: JsonCursor, field: FieldPlan, first: string | undefined): unknown {
  if (first === '"') {
    return fromString(field, cursor.string(field.kind !== Kind.bytes));
  }
  if (field.kind === Kind.bool) {
    return cursor.literal("true") || (cursor.literal("false") ? false : INVALID);
  }
  return first !== undefined && /[-0-9]/.test(first) ? fromNumber(field, cursor.number()) : INVALID;
}

function fromString(field: FieldPlan, text: string): unknown {
  switch (field.kind) {
    case Kind.bytes:
      return decodeBase64(text) ?? INVALID;
    case Kind.string:
      return text;
    case Kind.enum:
      return field.enumNumbers.get(text);
    case Kind.bool:
      return INVALID;
    default:
      return fromNumber(field, text);
  }
}

function fromNumber(field: FieldPlan, literal: string): unknown {
  switch (field.kind) {
    case Kind.int64:
      return parseInt64(literal, true) ?? INVALID;
    case Kind.uint64:
      return parseInt64(literal, false) ?? INVALID;
    case Kind.int32:
    case Kind.enum:
      return parseInt32(literal, true) ?? INVALID;
    case Kind.uint32:
      return parseInt32(literal, false) ?? INVALID;
    default:
      return INVALID;
  }
}
