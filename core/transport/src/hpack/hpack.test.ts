import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { HpackDecoder } from "./decoder.js";
import { HpackEncoder } from "./encoder.js";
import { Field, HpackError } from "./field.js";
import { huffmanDecode, huffmanEncode, huffmanLength } from "./huffman.js";

type List = readonly (readonly [string, string])[];

function decode(decoder: HpackDecoder, hex: string): List {
  const bytes = Buffer.from(hex.replaceAll(" ", ""), "hex");
  const fields: Field[] = [];
  decoder.decode(bytes, 0, bytes.length, fields, Number.POSITIVE_INFINITY);
  return fields.map(({ name, value }) => [name, value] as const);
}

const get = (path: string, ...more: List): List => [
  [":method", "GET"],
  [":scheme", path === "/index.html" ? "https" : "http"],
  [":path", path],
  [":authority", "www.example.com"],
  ...more,
];

const response = (status: string, date: string, ...more: List): List => [
  [":status", status],
  ["cache-control", "private"],
  ["date", `Mon, 21 Oct 2013 20:13:${date} GMT`],
  ["location", "https://www.example.com"],
  ...more,
];

const COOKIE = "foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1";

/** RFC 7541, appendix C: blocks of one connection each. */
const VECTORS: { name: string; tableBytes?: number; blocks: [hex: string, list: List][] }[] = [
  {
    name: "C.2.1 literal with indexing",
    blocks: [
      ["400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572", [["custom-key", "custom-header"]]],
    ],
  },
  {
    name: "C.2.2 literal without indexing",
    blocks: [["040c 2f73 616d 706c 652f 7061 7468", [[":path", "/sample/path"]]]],
  },
  {
    name: "C.2.3 literal never indexed",
    blocks: [["1008 7061 7373 776f 7264 0673 6563 7265 74", [["password", "secret"]]]],
  },
  { name: "C.2.4 indexed", blocks: [["82", [[":method", "GET"]]]] },
  {
    name: "C.3 requests without Huffman",
    blocks: [
      ["8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d", get("/")],
      ["8286 84be 5808 6e6f 2d63 6163 6865", get("/", ["cache-control", "no-cache"])],
      [
        "8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65",
        get("/index.html", ["custom-key", "custom-value"]),
      ],
    ],
  },
  {
    name: "C.4 requests with Huffman",
    blocks: [
      ["8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff", get("/")],
      ["8286 84be 5886 a8eb 1064 9cbf", get("/", ["cache-control", "no-cache"])],
      [
        "8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf",
        get("/index.html", ["custom-key", "custom-value"]),
      ],
    ],
  },
  {
    name: "C.5 responses without Huffman, with evictions",
    tableBytes: 256,
    blocks: [
      [
        "4803 3330 3258 0770 7269 7661 7465 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3120 474d 546e 1768 7474 7073 3a2f 2f77 7777 2e65 7861 6d70 6c65 2e63 6f6d",
        response("302", "21"),
      ],
      ["4803 3330 37c1 c0bf", response("307", "21")],
      [
        "88c1 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3220 474d 54c0 5a04 677a 6970 7738 666f 6f3d 4153 444a 4b48 514b 425a 584f 5157 454f 5049 5541 5851 5745 4f49 553b 206d 6178 2d61 6765 3d33 3630 303b 2076 6572 7369 6f6e 3d31",
        response("200", "22", ["content-encoding", "gzip"], ["set-cookie", COOKIE]),
      ],
    ],
  },
  {
    name: "C.6 responses with Huffman, with evictions",
    tableBytes: 256,
    blocks: [
      [
        "4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e 919d 29ad 1718 63c7 8f0b 97c8 e9ae 82ae 43d3",
        response("302", "21"),
      ],
      ["4883 640e ffc1 c0bf", response("307", "21")],
      [
        "88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7 821d d7f2 e6c7 b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106 3d50 07",
        response("200", "22", ["content-encoding", "gzip"], ["set-cookie", COOKIE]),
      ],
    ],
  },
];

for (const { name, tableBytes, blocks } of VECTORS) {
  test(`decodes RFC 7541 ${name}`, () => {
    const decoder = new HpackDecoder(tableBytes);
    for (const [hex, list] of blocks) assert.deepEqual(decode(decoder, hex), list);
  });
}

test("encodes RFC 7541 C.4 to the letter", () => {
  const encoder = new HpackEncoder();
  for (const [hex, list] of VECTORS.find(({ name }) => name.startsWith("C.4"))?.blocks ?? []) {
    const block = encoder.encode(list.map(([name, value]) => new Field(name, value, true)));
    assert.equal(block.toString("hex"), hex.replaceAll(" ", ""));
  }
});

test("decodes RFC 7541 C.1.2, an integer of three bytes, as a string's length", () => {
  const text = "x".repeat(1337);
  const length = Buffer.from([0x7f, 0x80 | ((1337 - 127) & 0x7f), (1337 - 127) >> 7]);
  const block = Buffer.concat([Buffer.from([0x00, 0x01, 0x61]), length, Buffer.from(text)]);
  assert.deepEqual(decode(new HpackDecoder(), block.toString("hex")), [["a", text]]);
});

const latin1 = fc.string({ unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)) });
const anyField = fc.tuple(
  fc.oneof(fc.constantFrom(":path", "content-type", "grpc-status", "date"), latin1),
  fc.oneof(fc.constantFrom("/", "0", "application/grpc"), latin1),
  fc.boolean(),
);

test("what is encoded is decoded again, whatever the table's size becomes", () => {
  const step = fc.record({
    list: fc.array(anyField),
    resize: fc.option(fc.array(fc.integer({ min: 0, max: 5_000 }), { minLength: 1, maxLength: 3 })),
  });
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      const encoder = new HpackEncoder();
      const decoder = new HpackDecoder();
      for (const { list, resize } of steps) {
        for (const bytes of resize ?? []) encoder.setMaxTableBytes(bytes);
        const block = Buffer.from(encoder.encode(list.map((field) => new Field(...field))));
        assert.deepEqual(
          decode(decoder, block.toString("hex")),
          list.map(([name, value]) => [name, value]),
        );
      }
    }),
  );
});

test("Huffman code round trip", () => {
  fc.assert(
    fc.property(latin1, (text) => {
      const target = Buffer.alloc(huffmanLength(text));
      assert.equal(huffmanEncode(text, target, 0), target.length);
      assert.equal(huffmanDecode(target, 0, target.length), text);
    }),
  );
});

for (const [name, hex] of Object.entries({
  "index 0": "80",
  "an index beyond the tables": "be",
  "a size update inside a block": "82 20",
  "a size update above the limit": "3f e2 1f",
  "an integer without an end": "ff ff ff ff ff ff ff ff 0f",
  "an integer that ends early": "ff 80",
  "a string beyond the block": "00 05 61 62",
  "a block that ends in a name": "40 01",
  "Huffman padding of zeros": "00 01 61 81 18",
  "Huffman padding of a byte": "00 01 61 82 1f ff",
  "the end-of-string code": "00 01 61 84 ff ff ff ff",
})) {
  test(`refuses ${name}`, () => {
    assert.throws(() => decode(new HpackDecoder(), hex), HpackError);
  });
}

test("a list beyond the limit is decoded for the table's sake, and not kept", () => {
  const decoder = new HpackDecoder();
  const encoder = new HpackEncoder();
  const long = new Field("x", "y".repeat(3_000), true);
  const list = [long, ...Array.from({ length: 1_000 }, () => long)];
  const block = Buffer.from(encoder.encode(list));
  assert.ok(block.length < 4_000);
  const fields: Field[] = [];
  const size = decoder.decode(block, 0, block.length, fields, 10_000);
  assert.equal(size, 1_001 * long.size);
  assert.equal(fields.length, 3);
  assert.deepEqual(decode(decoder, "be"), [["x", long.value]]);
});
