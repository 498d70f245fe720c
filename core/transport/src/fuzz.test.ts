/**
 * Frames at random, good and broken, in chunks at random: the server neither fails nor grows, and goes on
 * serving others. TRANSPORT_FUZZ_SECONDS says for how long; TRANSPORT_FUZZ_SEED repeats a run.
 */
import assert from "node:assert/strict";
import { randomInt } from "node:crypto";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { Flag, FrameType } from "./framing/protocol.js";
import { GrpcServer } from "./server.js";
import {
  block,
  data,
  frame,
  grpcMessage,
  HELLO,
  headers,
  requestHeaders,
  settings,
  unary,
} from "./testing/frames.js";
import { MemorySocket } from "./testing/memory-socket.js";
import { Random } from "./testing/random.js";
import { testServices } from "./testing/serve.js";

const SECONDS = Number(process.env.TRANSPORT_FUZZ_SECONDS ?? 2);
const SEED = Number(process.env.TRANSPORT_FUZZ_SEED ?? randomInt(2 ** 31));
const GROWTH_BYTES_MAX = 64 * 1024 * 1024;

const PATHS = ["Now", "Later", "Fail", "Hang", "Size", "Stream", "Once", "Ignore", "None"].map(
  (name) => `/test.Echo/${name}`,
);

function anyFrame(random: Random, nextId: () => number): Buffer {
  const id = random.chance(0.6) ? nextId() : random.below(40);
  const bytes = random.bytes(random.chance(0.9) ? 60 : 17_000);
  switch (random.below(12)) {
    case 0:
    case 1:
      return unary(
        id,
        random.pick(PATHS),
        random.chance(0.5) ? Buffer.from("1000") : bytes.subarray(0, 16_000),
      );
    case 2:
      return headers(
        id,
        requestHeaders(random.pick(PATHS), [["x", bytes.toString("latin1", 0, 10)]]),
        random.below(64),
      );
    case 3:
      return data(
        id,
        random.chance(0.7) ? grpcMessage(bytes.subarray(0, 16_000)) : bytes.subarray(0, 16_384),
        random.chance(0.3),
      );
    case 4:
      return frame(FrameType.data, random.below(64), id, bytes.subarray(0, 16_384));
    case 5:
      return frame(FrameType.headers, random.below(64), id, bytes.subarray(0, 16_384));
    case 6:
      return frame(FrameType.continuation, random.below(8), id, bytes);
    case 7:
      return settings([random.below(8), random.chance(0.5) ? random.below(100_000) : random.below(2 ** 31)]);
    case 8:
      return frame(FrameType.windowUpdate, 0, random.chance(0.3) ? 0 : id, random.bytes(4));
    case 9:
      return frame(FrameType.rstStream, 0, id, random.bytes(4));
    case 10:
      return frame(
        FrameType.headers,
        Flag.endHeaders | random.below(2),
        id,
        mutate(random, block(requestHeaders(random.pick(PATHS)))),
      );
    default:
      return frame(random.below(12), random.below(256), id, random.bytes(random.below(20)));
  }
}

function mutate(random: Random, bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes);
  for (let count = random.below(4); count > 0; count -= 1)
    copy[random.below(copy.length)] = random.below(256);
  return copy;
}

function session(random: Random): Buffer {
  let lastId = -1;
  const nextId = () => {
    lastId += 2;
    return lastId;
  };
  const frames = Array.from({ length: random.below(60) }, () => anyFrame(random, nextId));
  const bytes = Buffer.concat([HELLO, ...frames]);
  return random.chance(0.2) ? mutate(random, bytes) : bytes;
}

test(`random frames for ${SECONDS} s, seed ${SEED}`, { timeout: (SECONDS + 60) * 1_000 }, async () => {
  const random = new Random(SEED);
  const faults: unknown[] = [];
  const server = new GrpcServer(testServices, {
    onFault: (error) => faults.push(error),
    maxReceiveBytes: 100_000,
    tickMs: 50,
    lingerMs: 0,
  });
  let heapBefore = 0;
  let sessions = 0;
  const end = Date.now() + SECONDS * 1_000;
  while (Date.now() < end) {
    const socket = new MemorySocket();
    socket.on("error", () => {});
    server.accept(socket.asSocket);
    const bytes = session(random);
    for (let at = 0; at < bytes.length; ) {
      const size = 1 + random.below(random.chance(0.3) ? 20 : 20_000);
      socket.push(bytes.subarray(at, at + size));
      at += size;
      if (random.chance(0.5)) await turn();
    }
    socket.isStuck = random.chance(0.1);
    for (let count = 0; count < 3; count += 1) await turn();
    if (random.chance(0.5)) socket.push(null);
    else socket.destroy();
    await turn();
    socket.release();
    socket.destroy();
    await turn();
    sessions += 1;
    assert.deepEqual(faults, [], `seed ${SEED}, session ${sessions}`);
    if (sessions === 200) heapBefore = process.memoryUsage().heapUsed + process.memoryUsage().arrayBuffers;
  }
  await turn();
  assert.equal(server.connectionCount, 0);
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  if (heapBefore > 0) assert.ok(heapUsed + arrayBuffers - heapBefore < GROWTH_BYTES_MAX, "memory grows");
  assert.ok(sessions > 10);
  const good = new MemorySocket();
  server.accept(good.asSocket);
  good.push(Buffer.concat([HELLO, unary(1, "/test.Echo/Now", Buffer.from("still here"))]));
  for (let count = 0; count < 3; count += 1) await turn();
  assert.ok(good.output.includes("still here"));
  good.destroy();
});
