import assert from "node:assert/strict";
import { test } from "node:test";
import { isLongKey, KEY_PREFIX_BYTES, singleKey, splitKey } from "./keys.js";

const key = (length: number, last: number) => Buffer.concat([Buffer.alloc(length - 1, 7), Buffer.of(last)]);

test("a key that fits into an index stands there whole", () => {
  const { prefix, hash, rest } = splitKey(key(KEY_PREFIX_BYTES, 1));
  assert.ok(prefix.equals(key(KEY_PREFIX_BYTES, 1)));
  assert.deepEqual([hash.length, rest.length], [0, 0]);
});

test("prefix and rest compare as the keys do, prefix and hash tell them apart", () => {
  const keys = [KEY_PREFIX_BYTES - 1, KEY_PREFIX_BYTES, KEY_PREFIX_BYTES + 1, KEY_PREFIX_BYTES + 9].flatMap(
    (length) => [0, 7, 255].map((last) => key(length, last)),
  );
  const names = new Set(
    keys.map((one) => `${splitKey(one).prefix.toString("hex")} ${splitKey(one).hash.toString("hex")}`),
  );
  assert.equal(names.size, keys.length);
  for (const a of keys) {
    for (const b of keys) {
      const [one, other] = [splitKey(a), splitKey(b)];
      const compared = Buffer.compare(one.prefix, other.prefix) || Buffer.compare(one.rest, other.rest);
      assert.equal(compared, Buffer.compare(a, b));
    }
  }
  assert.equal(isLongKey(keys.at(-1)!), true);
});

test("an interval of one key is recognised", () => {
  const start = Buffer.from("a");
  assert.ok(singleKey({ start, end: Buffer.from("a\0") })?.equals(start));
  assert.equal(singleKey({ start, end: Buffer.from("b\0") }), undefined);
  assert.equal(singleKey({ start, end: Buffer.from("b") }), undefined);
  assert.equal(singleKey({ start, end: null }), undefined);
});
