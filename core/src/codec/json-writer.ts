/**
 * Messages to JSON text, by protobuf's JSON mapping as etcd's gateway applies it: names as in the .proto files,
 * defaults left out, 64-bit integers as strings.
 */
import type { DescMessage, MessageShape } from "@bufbuild/protobuf";
import { encodeBase64 } from "./base64.js";
import { type FieldPlan, Kind, type MessagePlan, planOf } from "./plan.js";

type Fields = Readonly<Record<string, unknown>>;

export function writeJson<D extends DescMessage>(type: D, message: MessageShape<D>): string {
  return writeMessage(planOf(type), message as unknown as Fields);
}

function writeMessage(plan: MessagePlan, message: Fields): string {
  let text = "{";
  for (const field of plan.fields) {
    const value = fieldValue(field, message);
    if (value === undefined || isDefault(field, value)) {
      continue;
    }
    if (text.length > 1) {
      text += ",";
    }
    text += field.label;
    text += field.repeated ? writeList(field, value as readonly unknown[]) : writeValue(field, value);
  }
  return `${text}}`;
}

/** Undefined for a field that is not set. */
function fieldValue(field: FieldPlan, message: Fields): unknown {
  if (field.oneof === undefined) {
    return message[field.localName];
  }
  const chosen = message[field.oneof.localName] as { case?: string; value?: unknown };
  return chosen.case === field.localName ? chosen.value : undefined;
}

function isDefault(field: FieldPlan, value: unknown): boolean {
  if (field.repeated) {
    return (value as readonly unknown[]).length === 0;
  }
  if (field.presence) {
    return false;
  }
  return field.kind === Kind.bytes ? (value as Uint8Array).length === 0 : !value;
}

function writeList(field: FieldPlan, list: readonly unknown[]): string {
  let text = "[";
  for (let i = 0; i < list.length; i++) {
    if (i > 0) {
      text += ",";
    }
    text += writeValue(field, list[i]);
  }
  return `${text}]`;
}

function writeValue(field: FieldPlan, value: unknown): string {
  switch (field.kind) {
    case Kind.message:
      return writeMessage(field.message as MessagePlan, value as Fields);
    case Kind.bytes:
      return `"${encodeBase64(value as Uint8Array)}"`;
    case Kind.int64:
    case Kind.uint64:
      return `"${value as bigint}"`;
    case Kind.string:
      return JSON.stringify(value);
    case Kind.enum:
      return writeEnum(field, value as number);
    default:
      return String(value);
  }
}

/** A value that the enum does not name is written as its number. */
export function writeEnum(field: FieldPlan, value: number): string {
  return field.enumTexts.get(value) ?? String(value);
}
