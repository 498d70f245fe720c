import assert from "node:assert/strict";
import { test } from "node:test";
import type { Change } from "./history.js";
import { SharedChanges } from "./shared-changes.js";

function change(mod: bigint, value: string, previous?: Change["kv"]): Change {
  const kv = { key: "k", value, create: 2n, mod, version: 1n, lease: 0n };
  return { deleted: false, kv, previous };
}

test("what is equal is kept once, and what is not is kept as it was seen", () => {
  const seen = new SharedChanges();
  const first = seen.share(change(5n, "a"));
  assert.equal(seen.share(change(5n, "a")), first);
  const other = change(5n, "b");
  assert.equal(seen.share(other), other);
  const withPrevious = change(5n, "a", change(4n, "z").kv);
  assert.equal(seen.share(withPrevious), withPrevious);
  assert.equal(seen.share(change(5n, "a", change(4n, "z").kv)), withPrevious);
  const later = change(6n, "a");
  assert.equal(seen.share(later), later);
  assert.equal(seen.share(change(5n, "a")), first);
});

test("old revisions are forgotten, and then kept as they are seen", () => {
  const seen = new SharedChanges();
  const first = seen.share(change(1n, "a"));
  for (let revision = 2n; revision <= 20_000n; revision++) seen.share(change(revision, "a"));
  const again = change(1n, "a");
  assert.equal(seen.share(again), again);
  assert.notEqual(again, first);
});
