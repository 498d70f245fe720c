import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isStorageError } from "../../errors.js";
import { MemoryPieces } from "../testing/memory-pieces.js";
import { anchorEntry, parseEntry } from "./entry.js";
import { groupName } from "./names.js";
import { SegmentParts } from "./parts.js";

function newParts() {
  const store = new MemoryPieces();
  return { store, parts: new SegmentParts(store, { inlineBytes: 8, partBytes: 3 }) };
}

describe("parts of segments", () => {
  it("are made of large segments only, and join to them", async () => {
    const { store, parts } = newParts();
    for (const [text, groups] of [
      ["12345678", 0],
      ["123456789", 1],
    ] as const) {
      const prepared = await parts.prepare(5n, Buffer.from(text), 77n);
      const entry = parseEntry(prepared.bytes, "log/5");
      assert.equal(entry.totalBytes, 77n);
      assert.equal((await parts.segment(entry, "log/5"))?.toString(), text);
      assert.equal(store.groups.size, groups);
      await parts.discard(prepared);
      assert.equal(store.groups.size, 0);
    }
  });

  it("leave nothing behind when one cannot be written", async () => {
    const { store, parts } = newParts();
    store.broken = new Error("ordered by the test");
    await assert.rejects(parts.prepare(5n, Buffer.alloc(100), 100n), store.broken);
    assert.equal(store.groups.size, 0);
  });

  it("show that a segment was trimmed, or that it is corrupt", async () => {
    const { store, parts } = newParts();
    const prepared = await parts.prepare(1n, Buffer.alloc(9), 9n);
    const entry = parseEntry(prepared.bytes, "log/1");
    assert.equal(await parts.segment(parseEntry(anchorEntry(9n), "log/1"), "log/1"), undefined);
    store.groups.get(prepared.group!)!.set("000001", Buffer.from("bad"));
    await assert.rejects(parts.segment(entry, "log/1"), (error) => isStorageError(error, "corrupt"));
    store.groups.get(prepared.group!)!.delete("000001");
    assert.equal(await parts.segment(entry, "log/1"), undefined);
  });

  it("are swept when no segment can name them any more", async () => {
    const { store, parts } = newParts();
    const entries = new Map<bigint, Buffer>();
    const write = async (sequence: bigint) => {
      const prepared = await parts.prepare(sequence, Buffer.alloc(9), 9n);
      entries.set(sequence, prepared.bytes);
      return prepared.group!;
    };
    const trimmed = await write(1n);
    const named = await write(3n);
    const inFlight = groupName(5n, "in-flight");
    for (const group of [groupName(3n, "lost-the-race"), inFlight, "of somebody else"])
      await store.begin(group);

    const asked: bigint[] = [];
    const entryAt = async (sequence: bigint) => {
      asked.push(sequence);
      const bytes = entries.get(sequence);
      return bytes && parseEntry(bytes, `log/${sequence}`);
    };
    await parts.sweep({ trimmed: 2n, newest: 4n }, entryAt);
    assert.deepEqual(new Set(store.groups.keys()), new Set([named, inFlight, "of somebody else"]));
    assert.ok(!store.groups.has(trimmed));
    assert.deepEqual(asked, [3n, 3n]);
    await parts.sweep({ trimmed: 2n, newest: 4n }, entryAt);
    assert.deepEqual(asked, [3n, 3n], "what is in use stays in use and is not asked for again");
    await parts.sweep({ trimmed: 5n, newest: 5n }, entryAt);
    assert.deepEqual([...store.groups.keys()], ["of somebody else"]);
  });
});
