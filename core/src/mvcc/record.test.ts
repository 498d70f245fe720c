import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { decodeField, encodeField, encodeTombstone, fieldKey, fieldRevision } from "./record.js";

const bytes = fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array));
const int64 = fc.bigInt({ min: 0n, max: (1n << 63n) - 1n });
const revision = fc.bigInt({ min: 1n, max: (1n << 63n) - 1n });
const lease = fc.bigInt({ min: -(1n << 63n), max: (1n << 63n) - 1n });
const keyValue = fc
  .tuple(bytes, int64, revision, int64, bytes, lease)
  .map(([key, createRevision, modRevision, version, value, lease]) => ({
    key,
    createRevision,
    modRevision,
    version,
    value,
    lease,
  }));

test("a field is read as it was written, whole and in part", () => {
  fc.assert(
    fc.property(keyValue, (kv) => {
      const field = encodeField(kv);
      assert.deepEqual(decodeField(field), kv);
      assert.deepEqual(fieldKey(field), kv.key);
      assert.equal(fieldRevision(field), kv.modRevision);
      assert.equal(fieldRevision(encodeTombstone(kv.key, kv.modRevision)), kv.modRevision);
    }),
  );
});
