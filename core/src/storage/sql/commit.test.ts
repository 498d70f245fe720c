import assert from "node:assert/strict";
import { test } from "node:test";
import { lastChanges } from "./commit.js";

test("of a key's changes in a commit only the last is kept", () => {
  const change = (key: string, deleted = false) => ({
    key: Buffer.from(key, "latin1"),
    field: Buffer.alloc(0),
    deleted,
    previous: 0n,
    lease: 0n,
  });
  const [first, second, other, third] = [
    change("a\xff"),
    change("a\xff"),
    change("a"),
    change("a\xff", true),
  ];
  const last = lastChanges([
    { revision: 2n, changes: [first, second, other] },
    { revision: 3n, changes: [third] },
  ]);
  assert.equal(last.length, 2);
  assert.equal(last.find(({ change }) => change === third)?.revision, 3n);
  assert.equal(last.find(({ change }) => change === other)?.revision, 2n);
});
