import assert from "node:assert/strict";
import { test } from "node:test";
import { packCommit } from "./pack-commit.js";
import { UnpackedCommit } from "./unpack-commit.js";

const MAX = 2n ** 63n - 1n;

test("a packed commit unpacks to what it was", () => {
  const key = Buffer.from([0, 255, 0]);
  const first = { key, field: Buffer.from([1, 0]), deleted: false, previous: MAX - 3n, lease: MAX };
  const second = { key, field: Buffer.alloc(0), deleted: true, previous: MAX - 3n, lease: 0n };
  const third = { key: Buffer.from("b"), field: Buffer.from("c"), deleted: false, previous: 0n, lease: -1n };
  const base = { sequence: 7n, revision: MAX - 2n, compacted: -1n };
  const head = { sequence: 8n, revision: MAX, compacted: 5n };
  const registry = [
    { key: "é", value: Buffer.from([0]) },
    { key: "empty", value: Buffer.alloc(0) },
    { key: "gone", value: null },
  ];
  const revisions = [
    { revision: MAX - 1n, changes: [first, second] },
    { revision: MAX, changes: [third] },
  ];
  const id = Buffer.from("0123456789abcdef");
  const unpacked = new UnpackedCommit(packCommit({ id, base, head, revisions, registry }));
  assert.deepEqual([unpacked.id, unpacked.base, unpacked.head], [id, base, head]);
  assert.deepEqual(
    [...unpacked.changes()],
    [
      { ...first, revision: MAX - 1n, sub: 0, last: false },
      { ...second, revision: MAX - 1n, sub: 1, last: true },
      { ...third, revision: MAX, sub: 0, last: true },
    ],
  );
  assert.deepEqual([...unpacked.registry()], registry);
});
