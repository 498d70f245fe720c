import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { decodeBase64, encodeBase64 } from "./base64.js";

const STANDARD = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}(?:==)?|[A-Za-z0-9+/]{3}=?)?$/;
const URL_SAFE = /^(?:[A-Za-z0-9_-]{4})*(?:[A-Za-z0-9_-]{2}(?:==)?|[A-Za-z0-9_-]{3}=?)?$/;

test("bytes survive, in either alphabet, padded or not", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
      const text = encodeBase64(bytes);
      for (const form of [text, text.replaceAll("=", "")]) {
        assert.deepEqual(decodeBase64(form), Buffer.from(bytes));
        assert.deepEqual(decodeBase64(form.replaceAll("+", "-").replaceAll("/", "_")), Buffer.from(bytes));
      }
    }),
  );
});

test("what is not base64 is refused", () => {
  const anyText = fc.string({ unit: fc.constantFrom(..."AZaz09+/-_= \n.\u00e9é"), maxLength: 12 });
  fc.assert(
    fc.property(anyText, (text) => {
      assert.equal(decodeBase64(text) !== undefined, STANDARD.test(text) || URL_SAFE.test(text), text);
    }),
    { numRuns: 20_000 },
  );
});
