import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { create, type DescMessage, fromBinary, type MessageShape, toBinary } from "@bufbuild/protobuf";
import { AuthRoleGetResponseSchema, AuthUserAddRequestSchema } from "../gen/etcdserverpb/auth_pb.js";
import {
  PutResponseSchema,
  RangeRequestSchema,
  RangeResponseSchema,
  TxnResponseSchema,
} from "../gen/etcdserverpb/kv_pb.js";
import { HashKVResponseSchema, StatusResponseSchema } from "../gen/etcdserverpb/maintenance_pb.js";
import { WatchResponseSchema } from "../gen/etcdserverpb/watch_pb.js";
import { Event_EventType } from "../gen/mvccpb/kv_pb.js";
import { transcode } from "./json-transcoder.js";
import { writeJson } from "./json-writer.js";

/** Both ways to the text: from the message, and from its bytes. */
function written<D extends DescMessage>(type: D, message: MessageShape<D>): string {
  const text = writeJson(type, message);
  assert.equal(transcode(type, toBinary(type, message)).toString(), text);
  return text;
}

const key = Buffer.from("a");

describe("messages as JSON", () => {
  test("defaults are left out, empty messages are not", () => {
    assert.equal(written(RangeResponseSchema, create(RangeResponseSchema)), "{}");
    assert.equal(written(RangeResponseSchema, create(RangeResponseSchema, { header: {} })), '{"header":{}}');
  });

  test("names of the .proto file, order of the numbers, 64-bit integers as strings, base64", () => {
    const response = create(RangeResponseSchema, {
      count: 1n,
      kvs: [
        { key, value: Buffer.from([0xfb, 0xff]), createRevision: 2n, modRevision: 9007199254740993n },
        { lease: -1n },
      ],
      header: { revision: 3n, clusterId: 18446744073709551615n },
    });
    assert.equal(
      written(RangeResponseSchema, response),
      '{"header":{"cluster_id":"18446744073709551615","revision":"3"},' +
        '"kvs":[{"key":"YQ==","create_revision":"2","mod_revision":"9007199254740993","value":"+/8="},' +
        '{"lease":"-1"}],"count":"1"}',
    );
  });

  test("enums by name, unknown ones by number, the zero one not at all", () => {
    const response = create(WatchResponseSchema, {
      watchId: -1n,
      events: [
        { type: Event_EventType.PUT, kv: { key } },
        { type: Event_EventType.DELETE, kv: { key } },
        { type: 7 as Event_EventType },
      ],
    });
    assert.equal(
      written(WatchResponseSchema, response),
      '{"watch_id":"-1","events":[{"kv":{"key":"YQ=="}},{"type":"DELETE","kv":{"key":"YQ=="}},{"type":7}]}',
    );
    const negative = create(RangeRequestSchema, { sortOrder: -1 as never });
    assert.equal(written(RangeRequestSchema, negative), '{"sort_order":-1}');
  });

  test("camel-case names of etcd's own stay as they are", () => {
    const response = create(StatusResponseSchema, { dbSize: 1n, isLearner: true, version: "3.6.0" });
    assert.equal(
      written(StatusResponseSchema, response),
      '{"version":"3.6.0","dbSize":"1","isLearner":true}',
    );
  });

  test("32-bit integers are numbers", () => {
    assert.equal(
      written(HashKVResponseSchema, create(HashKVResponseSchema, { hash: 4294967295, compactRevision: -1n })),
      '{"hash":4294967295,"compact_revision":"-1"}',
    );
  });

  test("members of oneofs, also when they hold a default", () => {
    const response = create(TxnResponseSchema, {
      succeeded: true,
      responses: [
        { response: { case: "responsePut", value: create(PutResponseSchema) } },
        { response: { case: "responseTxn", value: create(TxnResponseSchema, { header: {} }) } },
        {},
      ],
    });
    assert.equal(
      written(TxnResponseSchema, response),
      '{"succeeded":true,"responses":[{"response_put":{}},{"response_txn":{"header":{}}},{}]}',
    );
  });

  test("strings are escaped", () => {
    assert.equal(
      written(AuthUserAddRequestSchema, create(AuthUserAddRequestSchema, { name: 'é"\\\n\x01' })),
      '{"name":"é\\"\\\\\\n\\u0001"}',
    );
  });

  test("permissions", () => {
    const response = create(AuthRoleGetResponseSchema, { perm: [{ key }, { permType: 2 }] });
    assert.equal(
      written(AuthRoleGetResponseSchema, response),
      '{"perm":[{"key":"YQ=="},{"permType":"READWRITE"}]}',
    );
  });
});

describe("bytes that no encoder writes", () => {
  const cases: [string, number[]][] = [
    ["fields out of order", [0x20, 1, 0x18, 1]],
    ["a field twice", [0x20, 1, 0x20, 2]],
    ["a default spelled out", [0x20, 0]],
    ["an unknown field", [0x20, 1, 0x78, 1]],
    ["a list in two pieces", [0x12, 2, 0x20, 1, 0x20, 1, 0x12, 2, 0x20, 2]],
  ];
  for (const [name, bytes] of cases) {
    test(name, () => {
      const buffer = Buffer.from(bytes);
      assert.equal(
        transcode(RangeResponseSchema, buffer).toString(),
        writeJson(RangeResponseSchema, fromBinary(RangeResponseSchema, buffer)),
      );
    });
  }

  test("bytes that are cut short are refused", () => {
    assert.throws(() => transcode(RangeResponseSchema, Buffer.from([0x12, 5, 1])));
    assert.throws(() => transcode(RangeResponseSchema, Buffer.from([0x20])));
  });
});
