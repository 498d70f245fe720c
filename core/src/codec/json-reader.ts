/**
 * JSON text to messages, by protobuf's JSON mapping as etcd's gateway applies it (Go's protojson, unknown
 * fields discarded). The text becomes messages in one pass: JSON.parse would lose the digits of 64-bit
 * numbers and hide duplicate fields.
 */
import { isAscii, isUtf8 } from "node:buffer";
import { create, type DescMessage, type MessageShape } from "@bufbuild/protobuf";
import { Code, StatusError } from "../errors.js";
import { JsonCursor } from "./json-cursor.js";
import { readScalar } from "./json-scalars.js";
import { SyntaxScanner } from "./json-syntax.js";
import { type FieldPlan, Kind, type MessagePlan, planOf } from "./plan.js";

/** Messages nest at most twice per level of a transaction, and those at most 128 deep. */
const MAX_DEPTH = 1_000;

type Fields = Record<string, unknown>;

/**
 * The message that the first JSON value of `body` describes; what follows that value is ignored, and no value
 * at all is the empty message.
 */
export function readJson<D extends DescMessage>(type: D, body: Buffer): MessageShape<D> {
  try {
    const cursor = new JsonCursor(decode(body));
    if (cursor.peek() === undefined) {
      return create(type);
    }
    cursor.markStart();
    const message = readMessage(cursor, planOf(type), 0) as MessageShape<D>;
    if (cursor.skipped) {
      checkSyntax(body);
    }
    return message;
  } catch (error) {
    checkSyntax(body);
    throw error;
  }
}

function decode(body: Buffer): string {
  if (isAscii(body)) {
    return body.toString("latin1");
  }
  if (!isUtf8(body)) {
    throw new StatusError(Code.invalidArgument, "proto: syntax error: invalid UTF-8 in string");
  }
  return body.toString("utf8");
}

/** etcd finds the value's end before it looks at the value, so that a syntax error goes before all others. */
function checkSyntax(body: Buffer): void {
  const scanner = new SyntaxScanner();
  if (scanner.scan(body, 0) === -1) {
    scanner.finish();
  }
}

function readMessage(cursor: JsonCursor, plan: MessagePlan, depth: number): Fields {
  if (depth >= MAX_DEPTH) {
    throw new StatusError(Code.invalidArgument, "proto: exceeded max recursion depth");
  }
  if (!cursor.accept("{")) {
    throw cursor.unexpectedToken();
  }
  const message: Fields = plan.create();
  if (cursor.accept("}")) {
    return message;
  }
  const seen: FieldPlan[] = [];
  do {
    cursor.skipSpace();
    const start = cursor.position;
    const field = plan.byName.get(cursor.string());
    cursor.expect(":");
    if (field === undefined) {
      cursor.skipValue();
    } else if (seen.includes(field)) {
      throw cursor.error(start, `duplicate field ${cursor.tokenAt(start)}`);
    } else {
      seen.push(field);
      if (!cursor.acceptNull()) {
        readField(cursor, message, field, start, depth);
      }
    }
  } while (cursor.accept(","));
  cursor.expect("}");
  return message;
}

function readField(
  cursor: JsonCursor,
  message: Fields,
  field: FieldPlan,
  nameStart: number,
  depth: number,
): void {
  if (field.repeated) {
    message[field.localName] = readList(cursor, field, depth);
    return;
  }
  const { oneof } = field;
  if (oneof !== undefined && (message[oneof.localName] as { case?: string }).case !== undefined) {
    const name = cursor.tokenAt(nameStart);
    throw cursor.error(nameStart, `error parsing ${name}, oneof ${oneof.fullName} is already set`);
  }
  const value = readValue(cursor, field, depth);
  if (value === undefined) {
    return;
  }
  if (oneof === undefined) {
    message[field.localName] = value;
  } else {
    message[oneof.localName] = { case: field.localName, value };
  }
}

function readList(cursor: JsonCursor, field: FieldPlan, depth: number): unknown[] {
  if (!cursor.accept("[")) {
    throw cursor.unexpectedToken();
  }
  const list: unknown[] = [];
  if (cursor.accept("]")) {
    return list;
  }
  do {
    const value = readValue(cursor, field, depth);
    if (value !== undefined) {
      list.push(value);
    }
  } while (cursor.accept(","));
  cursor.expect("]");
  return list;
}

/** Undefined for what is to be ignored: an enum's name that is unknown. */
function readValue(cursor: JsonCursor, field: FieldPlan, depth: number): unknown {
  return field.kind === Kind.message
    ? readMessage(cursor, field.message as MessagePlan, depth + 1)
    : readScalar(cursor, field);
}
