import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isStorageError } from "../../errors.js";
import { MemoryPieces, MemoryPlace } from "../testing/memory-pieces.js";
import { Snapshots } from "./snapshots.js";

function fixture() {
  const store = new MemoryPieces();
  const snapshots = new Snapshots(new MemoryPlace(), store, 4);
  const save = (sequence: bigint, text: string, during = async () => {}) =>
    snapshots.save({ sequence, chunks: stream(text, during) });
  return { store, snapshots, save };
}

async function* stream(text: string, during: () => Promise<void>): AsyncGenerator<Buffer> {
  yield Buffer.from(text.slice(0, 5));
  await during();
  yield Buffer.from(text.slice(5));
}

async function text(snapshots: Snapshots): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of (await snapshots.load())!.chunks) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

describe("snapshots in pieces", () => {
  it("come back, and none is there at first", async () => {
    const { snapshots, save } = fixture();
    assert.equal(await snapshots.load(), undefined);
    await save(3n, "the first of them");
    assert.equal(await text(snapshots), "the first of them");
    assert.deepEqual((await snapshots.newest())?.bytes, 17n);
  });

  it("stay for those who read them until the save after the next one begins", async () => {
    const { store, snapshots, save } = fixture();
    await save(1n, "one one one");
    const reading = (await snapshots.load())!;
    await save(2n, "two two two");
    assert.equal(store.groups.size, 2);
    const chunks: Buffer[] = [];
    for await (const chunk of reading.chunks) chunks.push(chunk);
    assert.equal(Buffer.concat(chunks).toString(), "one one one");
    const late = (await snapshots.load())!;
    await save(3n, "three");
    await save(4n, "four");
    await assert.rejects(late.chunks[Symbol.asyncIterator]().next(), (error) =>
      isStorageError(error, "unavailable"),
    );
  });

  it("never replace a newer one, and give way to one that comes while they are written", async () => {
    const { store, snapshots, save } = fixture();
    await save(5n, "the newer one");
    await save(4n, "older");
    assert.equal(await text(snapshots), "the newer one");
    await save(6n, "overtaken", () => save(7n, "overtaking"));
    assert.equal(await text(snapshots), "overtaking");
    // the write of the older one fails when its group was swept away
    const swept = async () => {
      await save(9n, "nine");
      store.broken = new Error("gone");
    };
    await save(8n, "eight is swept", swept);
    store.broken = undefined;
    assert.equal(await text(snapshots), "nine");
    await save(10n, "ten");
    assert.equal(store.groups.size, 2, "nothing of those that gave way is left");
  });

  it("leave the one before when they break off", async () => {
    const { store, snapshots, save } = fixture();
    await save(1n, "one");
    store.broken = new Error("ordered by the test");
    await assert.rejects(save(2n, "two, which breaks off"), store.broken);
    assert.equal(await text(snapshots), "one");
    assert.equal(store.groups.size, 1);
  });

  it("are corrupt when a chunk is missing or wrong", async () => {
    const { store, snapshots, save } = fixture();
    await save(1n, "one, two, three");
    const [group] = store.groups.values();
    group!.set("000001", Buffer.from("oops"));
    await assert.rejects(text(snapshots), (error) => isStorageError(error, "corrupt"));
    group!.delete("000001");
    await assert.rejects(text(snapshots), (error) => isStorageError(error, "corrupt"));
  });
});
