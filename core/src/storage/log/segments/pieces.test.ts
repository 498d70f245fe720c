import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { repack, split } from "./pieces.js";

async function repacked(lengths: readonly number[], pieceBytes: number) {
  const whole = Buffer.from(Array.from({ length: lengths.reduce((a, b) => a + b, 0) }, (_, i) => i % 251));
  async function* chunks() {
    let start = 0;
    for (const length of lengths) {
      yield whole.subarray(start, start + length);
      start += length;
    }
  }
  const pieces: Buffer[] = [];
  for await (const piece of repack(chunks(), pieceBytes)) pieces.push(piece);
  assert.deepEqual(Buffer.concat(pieces), whole);
  return pieces.map((piece) => piece.length);
}

describe("segments", () => {
  it("are cut into nothing when empty, and into no more than needed", () => {
    assert.deepEqual(split(Buffer.alloc(0), 4), []);
    assert.equal(split(Buffer.alloc(8), 4).length, 2);
    assert.equal(split(Buffer.alloc(9), 4).length, 3);
  });
});

describe("chunks", () => {
  it("are joined and cut to one length", async () => {
    assert.deepEqual(await repacked([], 4), []);
    assert.deepEqual(await repacked([0], 4), []);
    assert.deepEqual(await repacked([1, 1, 1], 4), [3]);
    assert.deepEqual(await repacked([4, 4], 4), [4, 4]);
    assert.deepEqual(await repacked([9, 0, 2], 4), [4, 4, 3]);
    assert.deepEqual(await repacked([3, 6, 100], 50), [50, 50, 9]);
  });
});
