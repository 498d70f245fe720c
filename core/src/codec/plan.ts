/**
 * What the JSON codec needs to know of a message, worked out once per type: descriptors answer the same
 * questions, but too slowly to ask for each field of each message.
 */
import { create, type DescField, type DescMessage, ScalarType } from "@bufbuild/protobuf";

export const Kind = {
  bool: 0,
  string: 1,
  bytes: 2,
  /** 32-bit integers are numbers, in messages and in JSON. */
  int32: 3,
  uint32: 4,
  /** 64-bit integers are bigints in messages and strings in JSON. */
  int64: 5,
  uint64: 6,
  enum: 7,
  message: 8,
} as const;

export type Kind = (typeof Kind)[keyof typeof Kind];

interface OneofPlan {
  readonly localName: string;
  readonly fullName: string;
}

export interface FieldPlan {
  readonly number: number;
  readonly localName: string;
  readonly jsonName: string;
  readonly kind: Kind;
  /** The kind's name in protobuf, for error texts. */
  readonly kindName: string;
  readonly repeated: boolean;
  /** Whether the field tells being unset from having its default. */
  readonly presence: boolean;
  readonly oneof: OneofPlan | undefined;
  readonly message: MessagePlan | undefined;
  readonly enumNumbers: ReadonlyMap<string, number>;
  /** JSON text of the values, quotes included. */
  readonly enumTexts: ReadonlyMap<number, string>;
  /** `"name":` */
  readonly label: string;
  readonly labelBytes: Uint8Array;
}

export interface MessagePlan {
  readonly message: DescMessage;
  /** In the order of their numbers. */
  readonly fields: readonly FieldPlan[];
  readonly byNumber: readonly (FieldPlan | undefined)[];
  /** By the name in the .proto file, and by its lowerCamel form. */
  readonly byName: ReadonlyMap<string, FieldPlan>;
  /** A new message without a field set. */
  readonly create: () => Record<string, unknown>;
}

const plans = new WeakMap<DescMessage, MessagePlan>();

export function planOf(message: DescMessage): MessagePlan {
  return plans.get(message) ?? makePlan(message);
}

function makePlan(message: DescMessage): MessagePlan {
  const fields: FieldPlan[] = [];
  const byNumber: FieldPlan[] = [];
  const byName = new Map<string, FieldPlan>();
  const plan: MessagePlan = { message, fields, byNumber, byName, create: makeCreate(message) };
  plans.set(message, plan); // before its fields: messages nest in themselves
  const oneofs = new Map(
    message.oneofs.map((oneof) => [
      oneof,
      { localName: oneof.localName, fullName: `${message.typeName}.${oneof.name}` },
    ]),
  );
  for (const field of [...message.fields].sort((a, b) => a.number - b.number)) {
    const made = makeField(field, field.oneof && oneofs.get(field.oneof));
    fields.push(made);
    byNumber[field.number] = made;
    byName.set(field.name, made);
    byName.set(field.jsonName, made);
  }
  return plan;
}

/** Of proto3, messages are plain objects: a copy is made several times as fast as one put together field by field. */
function makeCreate(message: DescMessage): () => Record<string, unknown> {
  const empty = create(message) as unknown as Record<string, unknown>;
  const isPlain = Object.getPrototypeOf(empty) === Object.prototype;
  const hasObjects = Object.values(empty).some((value) => typeof value === "object" && !isEmptyBytes(value));
  return isPlain && !hasObjects ? () => ({ ...empty }) : () => create(message) as unknown as typeof empty;
}

function isEmptyBytes(value: unknown): boolean {
  return value instanceof Uint8Array && value.length === 0;
}

function makeField(field: DescField, oneof: OneofPlan | undefined): FieldPlan {
  const [kind, kindName] = kindOf(field);
  const values = field.enum?.values ?? [];
  const label = `${JSON.stringify(field.name)}:`;
  return {
    number: field.number,
    localName: field.localName,
    jsonName: field.jsonName,
    kind,
    kindName,
    repeated: field.fieldKind === "list",
    presence: field.fieldKind === "message" || oneof !== undefined || field.proto.proto3Optional,
    oneof,
    message: field.message && planOf(field.message),
    enumNumbers: new Map(values.map((value) => [value.name, value.number])),
    enumTexts: new Map(values.map((value) => [value.number, JSON.stringify(value.name)])),
    label,
    labelBytes: new Uint8Array(Buffer.from(label)),
  };
}

const SCALARS: ReadonlyMap<ScalarType, readonly [Kind, string]> = new Map([
  [ScalarType.BOOL, [Kind.bool, "bool"]],
  [ScalarType.STRING, [Kind.string, "string"]],
  [ScalarType.BYTES, [Kind.bytes, "bytes"]],
  [ScalarType.INT32, [Kind.int32, "int32"]],
  [ScalarType.UINT32, [Kind.uint32, "uint32"]],
  [ScalarType.INT64, [Kind.int64, "int64"]],
  [ScalarType.UINT64, [Kind.uint64, "uint64"]],
]);

function kindOf(field: DescField): readonly [Kind, string] {
  if (field.message !== undefined && field.fieldKind !== "map") {
    return [Kind.message, "message"];
  }
  if (field.enum !== undefined && field.fieldKind !== "map") {
    return [Kind.enum, "enum"];
  }
  const scalar = field.fieldKind === "map" ? undefined : SCALARS.get(field.scalar as ScalarType);
  if (scalar === undefined) {
    // etcd's API has no maps, floats, fixed-width or zigzag numbers.
    throw new TypeError(`${field.toString()} is of a kind that the JSON codec does not know`);
  }
  return scalar;
}
