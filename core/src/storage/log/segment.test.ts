import assert from "node:assert/strict";
import { test } from "node:test";
import { isStorageError } from "../errors.js";
import type { Revision } from "../model.js";
import { decodeSegment, encodeSegment } from "./segment.js";
import { change, commitOn } from "./testing/commits.js";

const commit = commitOn(
  { sequence: 2n ** 40n, revision: 2n ** 41n, compacted: 77n },
  {
    revisions: [
      [change("a", "1"), change("", "\x00\xff", { previous: 2n ** 40n, lease: 2n ** 63n - 1n })],
      [change("k".repeat(300), "gone", { deleted: true, previous: 3n, lease: 0n })],
      [change("negative", "lease", { lease: -5n })],
    ],
    registry: [
      { key: "lease/1", value: Buffer.from([0, 255]) },
      { key: "ключ", value: null },
      { key: "empty", value: Buffer.alloc(0) },
    ],
    compacted: 78n,
  },
);

function isCorrupt(error: unknown): boolean {
  return isStorageError(error, "corrupt");
}

test("a segment gives back its commit", () => {
  const bytes = encodeSegment(commit);
  assert.deepEqual(decodeSegment({ sequence: commit.head.sequence, bytes }), commit);
  const bare = commitOn({ sequence: 0n, revision: 1n, compacted: -1n });
  assert.deepEqual(decodeSegment({ sequence: 1n, bytes: encodeSegment(bare) }), bare);
});

test("a segment of a commit that leaves out revisions gives it back, and one without such looks as ever", () => {
  const { base, revisions } = commit;
  const [first, ...rest] = revisions as [Revision, ...Revision[]];
  const spread = [
    first,
    ...rest.map(({ revision, changes }) => ({ revision: revision + 2n ** 33n, changes })),
  ];
  for (const [made, end] of [
    [spread, spread.at(-1)!.revision],
    [spread, spread.at(-1)!.revision + 9n],
    [[], base.revision + 1n],
  ] as const) {
    const gapped = { ...commit, revisions: made, head: { ...commit.head, revision: end } };
    const bytes = encodeSegment(gapped);
    assert.equal(bytes[0], 2);
    assert.deepEqual(decodeSegment({ sequence: commit.head.sequence, bytes }), gapped);
  }
  assert.equal(encodeSegment(commit)[0], 1);
});

test("a segment that lost or changed a byte is corrupt", () => {
  const bytes = encodeSegment(commit);
  for (let at = 0; at < bytes.length; at++) {
    const changed = Buffer.from(bytes);
    changed[at] = changed[at]! ^ 0x10;
    assert.throws(
      () => decodeSegment({ sequence: commit.head.sequence, bytes: changed }),
      isCorrupt,
      `byte ${at}`,
    );
    const cut = bytes.subarray(0, at);
    assert.throws(
      () => decodeSegment({ sequence: commit.head.sequence, bytes: cut }),
      isCorrupt,
      `cut at ${at}`,
    );
  }
  const longer = Buffer.concat([bytes, Buffer.of(0)]);
  assert.throws(() => decodeSegment({ sequence: commit.head.sequence, bytes: longer }), isCorrupt);
});

test("a segment in another's place is corrupt", () => {
  const bytes = encodeSegment(commit);
  assert.throws(() => decodeSegment({ sequence: commit.head.sequence + 1n, bytes }), isCorrupt);
});
