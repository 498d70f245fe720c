import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { JsonValues } from "./json-values.js";

const tooLarge = (bytes: number) => new Error(`too large: ${bytes}`);

/** The values of a text that arrives in pieces of the given size. */
function cut(text: string | Buffer, size = 1, maxBytes = 1_000): string[] {
  const bytes = Buffer.from(text);
  const values = new JsonValues(maxBytes, tooLarge);
  const found: string[] = [];
  for (let at = 0; at < bytes.length; at += size) {
    for (const value of values.push(bytes.subarray(at, at + size))) {
      found.push(value.toString().trim());
    }
  }
  const last = values.end();
  return last === undefined ? found : [...found, last.toString().trim()];
}

describe("cutting a stream into JSON values", () => {
  const streams: [string, string[]][] = [
    ["", []],
    [" \n\t", []],
    ["{}{}", ["{}", "{}"]],
    ['{"a":"}"}\n[1,[2]] ', ['{"a":"}"}', "[1,[2]]"]],
    ["1 2", ["1", "2"]],
    ['"a\\""null-1.5e3', ['"a\\""', "null", "-1.5e3"]],
    ["true[]false", ["true", "[]", "false"]],
  ];
  for (const [text, values] of streams) {
    test(JSON.stringify(text), () => {
      for (const size of [1, 2, 3, 100]) {
        assert.deepEqual(cut(text, size), values);
      }
    });
  }

  test("any values, however the bytes are split", () => {
    fc.assert(
      fc.property(
        fc.array(fc.json({ maxDepth: 3 }), { maxLength: 5 }),
        fc.integer({ min: 1, max: 40 }),
        (texts, size) => {
          assert.deepEqual(
            cut(texts.join("\n"), size, 100_000).map((value) => JSON.parse(value)),
            texts.map((value) => JSON.parse(value)),
          );
        },
      ),
    );
  });

  test("a stream that ends inside of a value", () => {
    for (const text of ["{", '{"a"', '{"a":', "[1,", '"', "tr", "-", "1.", "1e", "1e+"]) {
      assert.throws(() => cut(text), /unexpected EOF/, text);
    }
  });

  test("values before a syntax error are handed out", () => {
    const values = new JsonValues(1_000, tooLarge);
    const iterator = values.push(Buffer.from("{}x"));
    assert.equal(iterator.next().value?.toString(), "{}");
    assert.throws(() => iterator.next(), /invalid character 'x' looking for beginning of value/);
  });

  test("the size of one value is bounded, that of the stream is not", () => {
    assert.equal(cut('{"a":1}'.repeat(1_000), 7, 7).length, 1_000);
    assert.throws(() => cut('{"a":12}', 4, 7), /too large: 8/);
    assert.deepEqual(cut(" ".repeat(5_000), 100, 7), []);
  });
});
