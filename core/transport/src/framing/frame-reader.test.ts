import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { frame } from "../testing/frames.js";
import { FrameReader, type FrameSink } from "./frame-reader.js";
import { ConnectionError, Flag, FrameType, PREFACE } from "./protocol.js";

/** Writes down what it is told; pieces of DATA are put together. */
class Recorder implements FrameSink {
  readonly events: string[] = [];
  private body: Buffer[] = [];

  frame(type: number, flags: number, streamId: number, bytes: Buffer, start: number, end: number): void {
    this.events.push(`${type}/${flags}/${streamId} ${bytes.toString("hex", start, end)}`);
  }

  dataStart(streamId: number, length: number, flags: number): void {
    this.events.push(`data ${streamId} ${length} ${flags}`);
  }

  data(bytes: Buffer, start: number, end: number): void {
    this.body.push(Buffer.from(bytes.subarray(start, end)));
  }

  dataEnd(endStream: boolean): void {
    this.events.push(`body ${Buffer.concat(this.body).toString("hex")} ${endStream}`);
    this.body = [];
  }

  streamFailed(): void {}
}

function read(chunks: readonly Buffer[]): string[] {
  const recorder = new Recorder();
  const reader = new FrameReader(recorder);
  for (const chunk of chunks) reader.read(chunk);
  assert.equal(reader.isInside, false);
  return recorder.events;
}

function cut(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const places = [...new Set(cuts.map((place) => place % (bytes.length + 1)))].sort((a, b) => a - b);
  return [0, ...places].map((place, index) => bytes.subarray(place, places[index] ?? bytes.length));
}

const payload = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes));
const streamId = fc.integer({ min: 0, max: 2 ** 31 - 1 });
const anyFrame = fc.oneof(
  fc
    .tuple(fc.integer({ min: 1, max: 255 }), fc.integer({ min: 0, max: 255 }), streamId, payload)
    .map(([type, flags, id, bytes]) => frame(type, flags, id, bytes)),
  fc
    .tuple(fc.boolean(), streamId, payload, fc.option(fc.integer({ min: 0, max: 255 })))
    .map(([end, id, bytes, padding]) => {
      const flags = (end ? Flag.endStream : 0) | (padding === null ? 0 : Flag.padded);
      const parts = padding === null ? [bytes] : [Buffer.from([padding]), bytes, Buffer.alloc(padding)];
      return frame(FrameType.data, flags, id, Buffer.concat(parts));
    }),
);

test("frames are the same however they are cut into chunks", () => {
  fc.assert(
    fc.property(fc.array(anyFrame), fc.array(fc.nat()), (frames, cuts) => {
      const bytes = Buffer.concat([PREFACE, ...frames]);
      const whole = read([bytes]);
      assert.deepEqual(read(cut(bytes, cuts)), whole);
      assert.deepEqual(read(Array.from(bytes, (byte) => Buffer.from([byte]))), whole);
    }),
  );
});

test("padding is left out of the data", () => {
  const padded = frame(FrameType.data, Flag.padded, 1, Buffer.from([2, 7, 7, 7, 0, 0]));
  assert.deepEqual(read([PREFACE, padded]), ["data 1 6 8", "body 070707 false"]);
});

for (const [name, bytes] of Object.entries({
  "no preface": Buffer.from("GET / HTTP/1.1\r\n\r\n"),
  "a frame above the limit": Buffer.concat([PREFACE, Buffer.from([0, 0x40, 1, 1, 4, 0, 0, 0, 1])]),
  "padding of the whole frame": Buffer.concat([
    PREFACE,
    frame(FrameType.data, Flag.padded, 1, Buffer.from([2, 0])),
  ]),
  "a padded frame of nothing": Buffer.concat([PREFACE, frame(FrameType.data, Flag.padded, 1)]),
})) {
  test(`refuses ${name}`, () => {
    assert.throws(() => read([bytes]), ConnectionError);
  });
}

test("an announced frame costs no memory before it comes", () => {
  const reader = new FrameReader(new Recorder());
  reader.read(PREFACE);
  reader.read(Buffer.from([0, 0x40, 0, 1, 4, 0, 0, 0, 1, 1]));
  assert.ok(reader.isInside);
  assert.ok(reader.heldBytes < 1_000);
});
