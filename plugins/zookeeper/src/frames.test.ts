import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { FrameSplitter } from "./frames.js";

function frame(length: number): Buffer {
  const bytes = Buffer.alloc(4 + length, length);
  bytes.writeInt32BE(length);
  return bytes;
}

describe("frames", () => {
  it("come out whole, however the stream was cut", () => {
    const frames = [0, 1, 3, 4, 5, 200, 0, 17].map(frame);
    const stream = Buffer.concat(frames);
    for (let chunkBytes = 1; chunkBytes <= stream.length; chunkBytes++) {
      const splitter = new FrameSplitter();
      const found: Buffer[] = [];
      for (let start = 0; start < stream.length; start += chunkBytes)
        found.push(...splitter.push(stream.subarray(start, start + chunkBytes)));
      assert.deepEqual(found, frames);
    }
  });
});
