import assert from "node:assert/strict";
import { test } from "node:test";
import type { LoggedRevision } from "../storage/index.js";
import { KeyCache } from "./key-cache.js";
import { bytes } from "./testing.js";

const change = (key: string, value: string | null): LoggedRevision => ({
  revision: 2n,
  changes: [
    {
      key: bytes(key),
      field: bytes(value ?? "gone"),
      deleted: value === null,
      previous: 0n,
      lease: 0n,
      sub: 0,
    },
  ],
});

test("holds what was read and written, deletions too, and follows others only for the keys that it holds", () => {
  const cache = new KeyCache();
  cache.put(bytes("read"), bytes("1"));
  cache.put(bytes("missing"), undefined);
  cache.apply([change("own", "\xff\x00")], true);
  cache.apply([change("read", "2"), change("foreign", "1"), change("missing", null)], false);
  assert.deepEqual(cache.get(bytes("read")), { field: bytes("2") });
  assert.deepEqual(cache.get(bytes("own")), { field: bytes("\xff\x00") });
  assert.deepEqual(cache.get(bytes("missing")), { field: undefined });
  assert.equal(cache.get(bytes("foreign")), undefined);
  cache.apply([change("own", null)], false);
  assert.deepEqual(cache.get(bytes("own")), { field: undefined });
  cache.clear();
  assert.equal(cache.has(bytes("read")), false);
});

test("forgets what was not used for long, and never an update", () => {
  const cache = new KeyCache(20_000);
  cache.put(bytes("used"), bytes("0"));
  for (let n = 1; n <= 1_000; n++) {
    cache.put(bytes(`k${n}`), bytes("x".repeat(100)));
    cache.apply([change("used", `${n}`)], false);
    assert.deepEqual(cache.get(bytes("used")), { field: bytes(`${n}`) });
  }
  assert.equal(cache.has(bytes("k1")), false);
  assert.ok(cache.has(bytes("k1000")));
  assert.equal(cache.has(bytes("k100")), false);
});

test("a large field is not held, and ends what was held of the key", () => {
  const cache = new KeyCache();
  cache.put(bytes("a"), bytes("small"));
  cache.put(bytes("a"), bytes("x".repeat(100_000)));
  assert.equal(cache.has(bytes("a")), false);
});
