import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isStorageError } from "../../errors.js";
import { anchorEntry, inlineCapacity, inlineEntry, manifestEntry, parseEntry, verified } from "./entry.js";
import { split } from "./pieces.js";

const corrupt = (error: unknown) => isStorageError(error, "corrupt");

describe("an entry", () => {
  it("gives an inline segment back", () => {
    for (const segment of [Buffer.alloc(0), Buffer.from([0, 1, 255])]) {
      const entry = inlineEntry(segment, 77n);
      const parsed = parseEntry(entry, "log/1");
      assert.equal(parsed.totalBytes, 77n);
      assert.deepEqual(verified(parsed.content as Buffer, parsed, "log/1"), segment);
      assert.equal(segment.length, inlineCapacity(entry.length));
    }
  });

  it("gives the manifest of a large segment back", () => {
    const segment = Buffer.from("0123456789");
    const parts = split(segment, 4);
    assert.deepEqual(parts.map(String), ["0123", "4567", "89"]);
    const manifest = { group: "g", lengths: parts.map((part) => part.length) };
    const parsed = parseEntry(manifestEntry(segment, manifest, 10n), "log/1");
    assert.deepEqual(parsed.content, manifest);
    assert.deepEqual(verified(Buffer.concat(parts), parsed, "log/1"), segment);
  });

  it("may be an anchor, which has no content", () => {
    const parsed = parseEntry(anchorEntry(77n), "log/1");
    assert.deepEqual([parsed.totalBytes, parsed.content], [77n, undefined]);
  });

  it("is corrupt when a byte, a part or the entry is wrong", () => {
    const entry = inlineEntry(Buffer.from("abc"), 3n);
    const parsed = parseEntry(entry, "log/1");
    assert.throws(() => verified(Buffer.from("abd"), parsed, "log/1"), corrupt);
    assert.throws(() => parseEntry(Buffer.from("short"), "log/1"), corrupt);
    assert.throws(() => parseEntry(Buffer.alloc(20, 9), "log/1"), corrupt);
    const manifest = manifestEntry(Buffer.from("abc"), { group: "g", lengths: [3] }, 3n);
    assert.throws(() => parseEntry(manifest.subarray(0, -1), "log/1"), corrupt);
  });
});
