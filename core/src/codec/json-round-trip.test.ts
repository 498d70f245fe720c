import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  create,
  type DescField,
  type DescMessage,
  equals,
  fromJson,
  type MessageInitShape,
  ScalarType,
  toBinary,
  toJson,
} from "@bufbuild/protobuf";
import fc from "fast-check";
import { AuthRoleGrantPermissionRequestSchema } from "../gen/etcdserverpb/auth_pb.js";
import { MemberListResponseSchema } from "../gen/etcdserverpb/cluster_pb.js";
import {
  RangeRequestSchema,
  RangeResponseSchema,
  TxnRequestSchema,
  TxnResponseSchema,
} from "../gen/etcdserverpb/kv_pb.js";
import { LeaseLeasesResponseSchema } from "../gen/etcdserverpb/lease_pb.js";
import { WatchRequestSchema, WatchResponseSchema } from "../gen/etcdserverpb/watch_pb.js";
import { readJson } from "./json-reader.js";
import { transcode } from "./json-transcoder.js";
import { writeJson } from "./json-writer.js";

const TYPES: readonly DescMessage[] = [
  RangeRequestSchema,
  RangeResponseSchema,
  TxnRequestSchema,
  TxnResponseSchema,
  WatchRequestSchema,
  WatchResponseSchema,
  MemberListResponseSchema,
  LeaseLeasesResponseSchema,
  AuthRoleGrantPermissionRequestSchema,
];

describe("any message, against protobuf-es's own JSON", () => {
  for (const type of TYPES) {
    test(type.typeName, () => {
      fc.assert(
        fc.property(anyMessage(type, 3), (init) => {
          const message = create(type, init);
          const bytes = toBinary(type, message);
          const text = writeJson(type, message);
          const snake = toJson(type, message, { useProtoFieldName: true });
          assert.deepEqual(JSON.parse(text), snake);
          assert.equal(transcode(type, bytes).toString(), text);
          assert.ok(equals(type, fromJson(type, JSON.parse(text)), message));
          assert.ok(equals(type, readJson(type, Buffer.from(text)), message));
          const camel = JSON.stringify(toJson(type, message), null, 1).replaceAll("/", "\\/");
          assert.ok(equals(type, readJson(type, Buffer.from(camel)), message));
        }),
        { numRuns: 200 },
      );
    });
  }
});

function anyMessage(type: DescMessage, depth: number): fc.Arbitrary<MessageInitShape<DescMessage>> {
  const members = type.members.map((member) => {
    if (member.kind === "field") {
      return fc.option(anyField(member, depth), { nil: undefined }).map((value) => [member.localName, value]);
    }
    const cases = member.fields.map((field) =>
      anyField(field, depth).map((value) =>
        value === undefined ? { case: undefined } : { case: field.localName, value },
      ),
    );
    return fc.oneof(...cases).map((value) => [member.localName, value]);
  });
  return fc.tuple(...members).map((entries) => {
    const set = entries.filter(([, value]) => value !== undefined);
    return Object.fromEntries(set) as MessageInitShape<DescMessage>;
  });
}

function anyField(field: DescField, depth: number): fc.Arbitrary<unknown> {
  const { message } = field;
  if (message !== undefined && depth === 0) {
    return fc.constant(undefined);
  }
  const value =
    message !== undefined
      ? anyMessage(message, depth - 1).map((init) => create(message, init))
      : anyScalar(field);
  return field.fieldKind === "list" ? fc.array(value, { maxLength: 3 }) : value;
}

function anyScalar(field: DescField): fc.Arbitrary<unknown> {
  if (field.enum !== undefined) {
    return fc.constantFrom(...field.enum.values.map((value) => value.number));
  }
  switch (field.fieldKind === "scalar" || field.fieldKind === "list" ? field.scalar : undefined) {
    case ScalarType.BOOL:
      return fc.boolean();
    case ScalarType.STRING:
      return fc.string({ unit: "binary" });
    case ScalarType.BYTES:
      return fc.uint8Array({ maxLength: 400 });
    case ScalarType.INT64:
      return fc.oneof(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), fc.integer().map(BigInt));
    case ScalarType.UINT64:
      return fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
    case ScalarType.INT32:
      return fc.integer();
    default:
      return fc.integer({ min: 0, max: 2 ** 32 - 1 });
  }
}
