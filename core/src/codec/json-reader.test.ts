import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { DescMessage } from "@bufbuild/protobuf";
import { StatusError } from "../errors.js";
import { AuthUserAddRequestSchema } from "../gen/etcdserverpb/auth_pb.js";
import { RangeRequestSchema, TxnRequestSchema } from "../gen/etcdserverpb/kv_pb.js";
import { AlarmRequestSchema } from "../gen/etcdserverpb/maintenance_pb.js";
import { WatchRequestSchema } from "../gen/etcdserverpb/watch_pb.js";
import { readJson } from "./json-reader.js";

const range = (text: string | Buffer) => readJson(RangeRequestSchema, Buffer.from(text));
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");

/** Texts as etcd 3.6.16 answers them. */
const REFUSED: readonly [DescMessage, string, string][] = [
  [RangeRequestSchema, "{", "unexpected EOF"],
  [RangeRequestSchema, "tru", "unexpected EOF"],
  [RangeRequestSchema, '{"key":"YQ=="', "unexpected EOF"],
  [RangeRequestSchema, "[]", "proto: syntax error (line 1:1): unexpected token ["],
  [RangeRequestSchema, "null", "proto: syntax error (line 1:1): unexpected token null"],
  [RangeRequestSchema, " 5 ", "proto: syntax error (line 1:1): unexpected token 5"],
  [RangeRequestSchema, '"a"', 'proto: syntax error (line 1:1): unexpected token "a"'],
  [RangeRequestSchema, '{"key":"YQ==",}', "invalid character '}' looking for beginning of object key string"],
  [RangeRequestSchema, '{"key" "YQ=="}', "invalid character '\"' after object key"],
  [RangeRequestSchema, "{key:1}", "invalid character 'k' looking for beginning of object key string"],
  [RangeRequestSchema, "{'key':1}", "invalid character '\\'' looking for beginning of object key string"],
  [RangeRequestSchema, '{"key":"YQ=="x', "invalid character 'x' after object key:value pair"],
  [RangeRequestSchema, '{"key":"YQ==\n"}', "invalid character '\\n' in string literal"],
  [RangeRequestSchema, '{"key":"\\xYQ=="}', "invalid character 'x' in string escape code"],
  [RangeRequestSchema, '{"key":"\\u00zz"}', "invalid character 'z' in \\u hexadecimal character escape"],
  [RangeRequestSchema, '{"foo":[1,{"a":nul}]}', "invalid character '}' in literal null (expecting 'l')"],
  [RangeRequestSchema, '{"foo":[1 2]}', "invalid character '2' after array element"],
  [RangeRequestSchema, '{"limit":01}', "invalid character '1' after object key:value pair"],
  [RangeRequestSchema, '{"limit":-}', "invalid character '}' in numeric literal"],
  [RangeRequestSchema, '{"limit":1.}', "invalid character '}' after decimal point in numeric literal"],
  [RangeRequestSchema, '{"limit":1e}', "invalid character '}' in exponent of numeric literal"],
  // A syntax error goes before everything else, wherever it stands.
  [RangeRequestSchema, '{"key":5,"limit":-}', "invalid character '}' in numeric literal"],
  [RangeRequestSchema, "\uFEFF{}", "invalid character 'ï' looking for beginning of value"],
  [RangeRequestSchema, "\n é", "invalid character 'Ã' looking for beginning of value"],
  [RangeRequestSchema, "\x01", "invalid character '\\x01' looking for beginning of value"],
  [RangeRequestSchema, '{"key":"Y Q=="}', 'proto: (line 1:8): invalid value for bytes field key: "Y Q=="'],
  [RangeRequestSchema, '{"key":"a+-_"}', 'proto: (line 1:8): invalid value for bytes field key: "a+-_"'],
  [RangeRequestSchema, '{"key":"YQ="}', 'proto: (line 1:8): invalid value for bytes field key: "YQ="'],
  [
    RangeRequestSchema,
    '{"key":"YQ==YQ=="}',
    'proto: (line 1:8): invalid value for bytes field key: "YQ==YQ=="',
  ],
  [RangeRequestSchema, '{"key":"Y"}', 'proto: (line 1:8): invalid value for bytes field key: "Y"'],
  [RangeRequestSchema, '{"key":5}', "proto: (line 1:8): invalid value for bytes field key: 5"],
  [RangeRequestSchema, '{"key":true}', "proto: (line 1:8): invalid value for bytes field key: true"],
  [RangeRequestSchema, '{"key":{}}', "proto: (line 1:8): invalid value for bytes field key: {"],
  [RangeRequestSchema, '{"key":[]}', "proto: (line 1:8): invalid value for bytes field key: ["],
  [RangeRequestSchema, '{"range_end":"","rangeEnd":""}', 'proto: (line 1:17): duplicate field "rangeEnd"'],
  [RangeRequestSchema, '{"key":null,\n "key":""}', 'proto: (line 2:2): duplicate field "key"'],
  [RangeRequestSchema, '{"limit":1.5}', "proto: (line 1:10): invalid value for int64 field limit: 1.5"],
  [RangeRequestSchema, '{"limit":"x"}', 'proto: (line 1:10): invalid value for int64 field limit: "x"'],
  [RangeRequestSchema, '{"limit":""}', 'proto: (line 1:10): invalid value for int64 field limit: ""'],
  [RangeRequestSchema, '{"limit":" 1"}', 'proto: (line 1:10): invalid value for int64 field limit: " 1"'],
  [RangeRequestSchema, '{"limit":true}', "proto: (line 1:10): invalid value for int64 field limit: true"],
  [
    RangeRequestSchema,
    '{"limit":9223372036854775808}',
    "proto: (line 1:10): invalid value for int64 field limit: 9223372036854775808",
  ],
  [
    RangeRequestSchema,
    '{"serializable":"true"}',
    'proto: (line 1:17): invalid value for bool field serializable: "true"',
  ],
  [
    RangeRequestSchema,
    '{"serializable":1}',
    "proto: (line 1:17): invalid value for bool field serializable: 1",
  ],
  [
    RangeRequestSchema,
    '{"sort_order":1.5}',
    "proto: (line 1:15): invalid value for enum field sortOrder: 1.5",
  ],
  [
    TxnRequestSchema,
    '{"compare":[{"key":"YQ==","version":1,"value":"YQ=="}]}',
    'proto: (line 1:39): error parsing "value", oneof etcdserverpb.Compare.target_union is already set',
  ],
  [TxnRequestSchema, '{"compare":[null]}', "proto: syntax error (line 1:13): unexpected token null"],
  [TxnRequestSchema, '{"compare":{}}', "proto: syntax error (line 1:12): unexpected token {"],
  [TxnRequestSchema, '{"success":["x"]}', 'proto: syntax error (line 1:13): unexpected token "x"'],
  [
    TxnRequestSchema,
    '{"success":[{"requestPut":[]}]}',
    "proto: syntax error (line 1:27): unexpected token [",
  ],
  [AlarmRequestSchema, '{"memberID":-1}', "proto: (line 1:13): invalid value for uint64 field memberID: -1"],
];

describe("what is refused, in etcd's words", () => {
  for (const [type, text, message] of REFUSED) {
    test(JSON.stringify(text), () => {
      assert.throws(() => readJson(type, Buffer.from(text)), new StatusError(3, message));
    });
  }

  test("strings that are not UTF-8 or hold half a surrogate pair", () => {
    const invalid = Buffer.from('{"name":"\xff"}', "latin1");
    assert.throws(() => readJson(AuthUserAddRequestSchema, invalid), /invalid UTF-8/);
    const half = Buffer.from('{"name":"\\ud800"}');
    assert.throws(() => readJson(AuthUserAddRequestSchema, half), /invalid escape code/);
  });

  test("nesting without end", () => {
    const deep = Buffer.from(`${'{"success":[{"request_txn":'.repeat(2_000)}{}${"}]}".repeat(2_000)}`);
    assert.throws(() => readJson(TxnRequestSchema, deep), /max recursion depth/);
    assert.throws(() => range(`{"foo":${"[".repeat(20_000)}`), /exceeded max depth/);
  });

  test("a long value is not repeated in full", () => {
    assert.throws(
      () => range(`{"key":"${"*".repeat(5_000_000)}"}`),
      (error: Error) => error.message.length < 2_000,
    );
  });
});

describe("what is taken", () => {
  test("nothing, white space and an empty object", () => {
    for (const text of ["", " \n", "{}", " { } "]) {
      assert.equal(range(text).limit, 0n);
    }
  });

  test("the first value only", () => {
    assert.equal(range('{"limit":7} x').limit, 7n);
    assert.equal(range('{"limit":7}}').limit, 7n);
  });

  test("both spellings of names", () => {
    const request = range('{"range_end":"YQ==","minModRevision":3}');
    assert.equal(hex(request.rangeEnd), "61");
    assert.equal(request.minModRevision, 3n);
    assert.equal(range('{"k\\u0065y":"YQ=="}').key.length, 1);
  });

  test("names are case-sensitive, and unknown fields of any kind are ignored", () => {
    const request = range('{"Limit":1,"foo":[1,{"a":null,"a":"}\\""},true],"bar":-1.5e3,"limit":"2"}');
    assert.equal(request.limit, 2n);
  });

  test("64-bit integers in every spelling, to the last digit", () => {
    const spellings: [string, bigint][] = [
      ["5", 5n],
      ['"5"', 5n],
      ["1.0", 1n],
      ["1e0", 1n],
      ['"1e0"', 1n],
      ["12.50e1", 125n],
      ["1200e-2", 12n],
      ["-0", 0n],
      ["-7", -7n],
      ["null", 0n],
      ["0.0", 0n],
      ["9007199254740993", 9007199254740993n],
      ["9223372036854775807", 9223372036854775807n],
      ['"-9223372036854775808"', -9223372036854775808n],
      ["9.223372036854775807e18", 9223372036854775807n],
    ];
    for (const [text, value] of spellings) {
      assert.equal(range(`{"limit":${text}}`).limit, value, text);
    }
    const alarm = readJson(AlarmRequestSchema, Buffer.from('{"memberID":18446744073709551615}'));
    assert.equal(alarm.memberID, 18446744073709551615n);
  });

  test("enums by name and number; an unknown name is ignored, an unknown number kept", () => {
    const spellings: [string, number][] = [
      ['"DESCEND"', 2],
      ["2", 2],
      ["2.0", 2],
      ['"NOPE"', 0],
      ['"2"', 0],
      ["7", 7],
      ["null", 0],
    ];
    for (const [text, value] of spellings) {
      assert.equal(range(`{"sort_order":${text}}`).sortOrder, value, text);
    }
    const watch = readJson(
      WatchRequestSchema,
      Buffer.from('{"create_request":{"filters":["NODELETE","FOO",0]}}'),
    );
    assert.equal(watch.requestUnion.case, "createRequest");
    assert.deepEqual(watch.requestUnion.value.filters, [1, 0]);
  });

  test("bytes in both alphabets, padded or not, slashes escaped or not", () => {
    const spellings: [string, string][] = [
      ["YQ==", "61"],
      ["YQ", "61"],
      ["YR==", "61"],
      ["+/+/", "fbffbf"],
      ["-_-_", "fbffbf"],
      ["+\\/+\\/", "fbffbf"],
      ["\\u0059Q==", "61"],
      ["", ""],
    ];
    for (const [text, value] of spellings) {
      assert.equal(hex(range(`{"key":"${text}"}`).key), value, text);
    }
  });

  test("null for a list, a message and a member of a oneof", () => {
    const txn = readJson(
      TxnRequestSchema,
      Buffer.from('{"compare":null,"success":[{"requestPut":null,"request_range":{"key":"YQ=="}}]}'),
    );
    assert.equal(txn.compare.length, 0);
    assert.equal(txn.success[0]?.request.case, "requestRange");
  });

  test("strings with escapes and characters beyond ASCII", () => {
    const read = (text: string) => readJson(AuthUserAddRequestSchema, Buffer.from(`{"name":"${text}"}`)).name;
    assert.equal(read("é€😀"), "é€😀");
    assert.equal(read("\\ud83d\\ude00\\n\\/\\\\"), "😀\n/\\");
  });
});
