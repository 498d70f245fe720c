/** What hostile clients can't do. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { ErrorCode, Flag, FrameType, Setting } from "./framing/protocol.js";
import {
  block,
  data,
  frame,
  grpcMessage,
  HELLO,
  headers,
  ping,
  requestHeaders,
  rstStream,
  settings,
  unary,
  windowUpdate,
} from "./testing/frames.js";
import { open } from "./testing/open.js";
import { RawClient } from "./testing/raw-client.js";
import { serve } from "./testing/serve.js";

const NOW = "/test.Echo/Now";
const HANG = "/test.Echo/Hang";
const X = Buffer.from("x");

test("maxConcurrentStreams: more are refused, and told so beforehand", async (t) => {
  const client = await open(t, { maxConcurrentStreams: 2 });
  client.send(unary(1, HANG, X), unary(3, HANG, X), unary(5, NOW, X));
  assert.equal(await client.reset(5), ErrorCode.refusedStream);
  const { payload } = await client.frame(({ type }) => type === FrameType.settings);
  assert.equal(payload.readUInt16BE(0), Setting.maxConcurrentStreams);
  assert.equal(payload.readUInt32BE(2), 2);
});

test("maxConcurrentStreams: a cancelled call counts as long as its handler runs", async (t) => {
  const client = await open(t, { maxConcurrentStreams: 2 });
  client.send(unary(1, HANG, X), rstStream(1), unary(3, HANG, X), rstStream(3), unary(5, NOW, X));
  assert.equal(await client.reset(5), ErrorCode.refusedStream);
});

test("resetBurst: rapid reset ends the connection", async (t) => {
  const client = await open(t, { resetBurst: 50, resetsPerSecond: 0 });
  for (let id = 1; id < 200; id += 2) client.send(headers(id, requestHeaders(NOW)), rstStream(id));
  assert.deepEqual(await client.goAway(), { code: ErrorCode.enhanceYourCalm, message: "too_many_resets" });
  await client.closed();
});

test("resetBurst: so do streams that the client makes the server reset", async (t) => {
  const client = await open(t, { resetBurst: 50, resetsPerSecond: 0 });
  for (let id = 1; id < 200; id += 2) client.send(headers(id, requestHeaders(NOW)), windowUpdate(id, 0));
  assert.equal((await client.goAway()).message, "too_many_resets");
});

test("resetBurst: but not cancelling at a bearable rate", async (t) => {
  const client = await open(t, { resetBurst: 10, resetsPerSecond: 1_000 });
  for (let id = 1; id < 100; id += 2) {
    client.send(headers(id, requestHeaders(NOW)), rstStream(id));
    await sleep(5);
  }
  client.send(unary(101, NOW, X));
  await client.answer(101);
});

for (const [name, bytes] of Object.entries({
  SETTINGS: settings([Setting.initialWindowSize, 1_000]),
  "acknowledged SETTINGS": frame(FrameType.settings, Flag.ack, 0),
  "PING answers": ping(Buffer.alloc(8), Flag.ack),
  PRIORITY: frame(FrameType.priority, 0, 1, Buffer.from([0, 0, 0, 3, 0])),
  WINDOW_UPDATE: windowUpdate(0, 1),
  "RST_STREAM of a stream that is over": rstStream(1),
  GOAWAY: frame(FrameType.goaway, 0, 0, Buffer.alloc(8)),
  "unknown frames": frame(99, 0, 0),
})) {
  test(`controlFrameBurst: a flood of ${name} ends the connection`, async (t) => {
    const client = await open(t, { controlFrameBurst: 100, controlFramesPerSecond: 0 });
    client.send(unary(1, NOW, X));
    await client.answer(1);
    client.send(...Array.from({ length: 200 }, () => bytes));
    assert.deepEqual(await client.goAway(), {
      code: ErrorCode.enhanceYourCalm,
      message: "too_many_control_frames",
    });
  });
}

test("controlFrameBurst: a flood of empty DATA ends the connection", async (t) => {
  const client = await open(t, { controlFrameBurst: 100, controlFramesPerSecond: 0 });
  client.send(
    headers(1, requestHeaders(NOW)),
    ...Array.from({ length: 200 }, () => data(1, Buffer.alloc(0), false)),
  );
  assert.equal((await client.goAway()).message, "too_many_control_frames");
});

test("controlFrameBurst: so does a flood of DATA that is all padding", async (t) => {
  const client = await open(t, { controlFrameBurst: 100, controlFramesPerSecond: 0 });
  const padding = frame(FrameType.data, Flag.padded, 1, Buffer.from([3, 0, 0, 0]));
  client.send(headers(1, requestHeaders(NOW)), ...Array.from({ length: 200 }, () => padding));
  assert.equal((await client.goAway()).message, "too_many_control_frames");
});

test("controlFrameBurst: changing the windows of many streams costs more than one frame", async (t) => {
  const client = await open(t, { controlFrameBurst: 1_000, controlFramesPerSecond: 0 });
  for (let id = 1; id < 2_000; id += 2) client.send(unary(id, HANG, X));
  for (let count = 0; count < 50; count += 1) client.send(settings([Setting.initialWindowSize, count]));
  assert.equal((await client.goAway()).message, "too_many_control_frames");
});

test("controlFrameBurst: saying the same window again does not", async (t) => {
  const client = await open(t, { controlFrameBurst: 1_000, controlFramesPerSecond: 0 });
  for (let id = 1; id < 2_000; id += 2) client.send(unary(id, HANG, X));
  for (let count = 0; count < 50; count += 1) client.send(settings([Setting.initialWindowSize, 65_535]));
  client.send(unary(2_001, NOW, X));
  await client.answer(2_001);
});

test("controlFrameBurst: windows that are updated for what was sent are no flood", async (t) => {
  const client = await open(t, { controlFrameBurst: 100, controlFramesPerSecond: 0 });
  for (let id = 1; id < 1_000; id += 2) {
    client.send(unary(id, NOW, X), windowUpdate(0, 6), windowUpdate(id, 6));
    if (id % 100 === 1) await client.answer(id);
  }
  await client.answer(999);
});

test("minPingIntervalMs: the third ping too early ends the connection", async (t) => {
  const client = await open(t);
  client.send(unary(1, HANG, X));
  await sleep(20);
  for (let count = 0; count < 4; count += 1) client.send(ping());
  assert.deepEqual(await client.goAway(), { code: ErrorCode.enhanceYourCalm, message: "too_many_pings" });
});

test("minPingIntervalMs: pings at that interval are fine with a call, and without one are not", async (t) => {
  const withCall = await open(t, { minPingIntervalMs: 10 });
  withCall.send(unary(1, HANG, X));
  const without = await open(t, { minPingIntervalMs: 10 });
  const permitted = await open(t, { minPingIntervalMs: 10, permitPingsWithoutCalls: true });
  for (let count = 0; count < 6; count += 1) {
    for (const client of [withCall, without, permitted]) client.send(ping());
    await sleep(25);
  }
  assert.equal((await without.goAway()).message, "too_many_pings");
  for (const client of [withCall, permitted]) {
    assert.equal(
      client.frames.filter(({ type, flags }) => type === FrameType.ping && flags === Flag.ack).length,
      6,
    );
  }
});

test("minPingIntervalMs: a ping after an answer is free", async (t) => {
  const client = await open(t);
  for (let id = 1; id < 41; id += 2) {
    client.send(unary(id, NOW, X));
    await client.answer(id);
    client.send(ping());
  }
  client.send(unary(41, NOW, X));
  await client.answer(41);
});

test("maxContinuationFrames: a flood of them ends the connection", async (t) => {
  const client = await open(t, { maxContinuationFrames: 5 });
  client.send(frame(FrameType.headers, 0, 1, block(requestHeaders(NOW))));
  client.send(...Array.from({ length: 6 }, () => frame(FrameType.continuation, 0, 1)));
  assert.equal((await client.goAway()).code, ErrorCode.enhanceYourCalm);
});

test("maxHeaderListBytes: a larger block ends the connection, as the tables are lost", async (t) => {
  const client = await open(t, { maxHeaderListBytes: 20_000 });
  client.send(frame(FrameType.headers, 0, 1, Buffer.alloc(16_000)));
  client.send(frame(FrameType.continuation, 0, 1, Buffer.alloc(4_001)));
  assert.equal((await client.goAway()).code, ErrorCode.enhanceYourCalm);
});

test("maxHeaderListBytes: an HPACK bomb gets 431, and the connection lives on", async (t) => {
  const client = await open(t, { maxHeaderListBytes: 20_000 });
  const entry = Buffer.concat([Buffer.from([0x40, 1, 0x78, 0x7f, 0x81, 0x1e]), Buffer.alloc(4_000, "y")]);
  const bomb = Buffer.concat([block(requestHeaders(NOW)), entry, Buffer.alloc(10_000, 0xbe)]);
  client.send(frame(FrameType.headers, Flag.endHeaders | Flag.endStream, 1, bomb));
  const { trailers } = await client.answer(1);
  assert.deepEqual([trailers[":status"], trailers["grpc-status"]], ["431", "8"]);
  client.send(unary(3, NOW, X));
  await client.answer(3);
});

test("maxReceiveBytes: a message that only announces too much is refused at once", async (t) => {
  const client = await open(t);
  const prefix = grpcMessage(Buffer.alloc(0));
  prefix.writeUInt32BE(0xffffffff, 1);
  client.send(headers(1, requestHeaders(NOW)), data(1, prefix, false));
  const { trailers } = await client.answer(1);
  assert.equal(trailers["grpc-message"], "grpc: received message larger than max (4294967295 vs. 4194304)");
});

test("maxBufferedRequestBytes: unfinished requests can't fill the memory", async (t) => {
  const client = await open(t, { maxBufferedRequestBytes: 100_000, connectionWindowBytes: 10_000_000 });
  const half = grpcMessage(Buffer.alloc(20_000)).subarray(0, 16_000);
  for (let id = 1; id <= 15; id += 2) client.send(headers(id, requestHeaders(NOW)), data(id, half, false));
  const { trailers } = await client.answer(13);
  assert.deepEqual(
    [trailers["grpc-status"], trailers["grpc-message"]],
    ["8", "too many requests of this connection wait"],
  );
  client.send(data(1, Buffer.alloc(4_005)));
  await client.answer(1);
});

test("maxBufferedRequestBytes: nor can small requests that no handler takes", async (t) => {
  const client = await open(t, { maxBufferedRequestBytes: 100_000 });
  client.send(headers(1, requestHeaders("/test.Echo/Ignore")));
  client.send(data(1, Buffer.alloc(5 * 1_000), false));
  assert.equal((await client.answer(1)).trailers["grpc-status"], "8");
});

test("maxUnreadResponseBytes: a client that reads no answers gets no more calls", async (t) => {
  const hello = Buffer.concat([HELLO, settings([Setting.initialWindowSize, 0])]);
  const client = await open(t, { maxUnreadResponseBytes: 1_000_000 }, hello);
  for (let id = 1; id < 30; id += 2) client.send(unary(id, "/test.Echo/Size", Buffer.from("300000")));
  assert.equal(await client.reset(9), ErrorCode.refusedStream);
  for (const id of [1, 3, 5, 7]) client.send(windowUpdate(id, 1_000_000));
  client.send(windowUpdate(0, 10_000_000));
  await client.answer(7);
  client.send(unary(31, "/test.Echo/Size", Buffer.from("3")), windowUpdate(31, 100));
  await client.answer(31);
});

test("streams that never end cost little, and nothing when their client is gone", async (t) => {
  const { port, server } = await serve(t, undefined, { maxConcurrentStreams: 2 ** 32 - 1 });
  const client = await RawClient.open(port);
  const before = process.memoryUsage().heapUsed;
  for (let id = 1; id < 20_000; id += 2) client.send(headers(id, requestHeaders("/test.Echo/Stream")));
  client.send(unary(20_001, NOW, X));
  await client.answer(20_001);
  const each = (process.memoryUsage().heapUsed - before) / 10_000;
  assert.ok(each < 10_000, `${each} bytes`);
  client.close();
  await client.until(() => server.connectionCount === 0 || undefined, "the end of the connection");
});

test("a client that asks for much and reads nothing is not read any more", async (t) => {
  const client = await open(t, {
    controlFrameBurst: 1_000_000_000,
    controlFramesPerSecond: 0,
    minPingIntervalMs: 0,
  });
  client.socket.pause();
  client.send(unary(1, HANG, X));
  const pings = Buffer.concat(Array.from({ length: 10_000 }, () => ping()));
  for (let count = 0; count < 200; count += 1) client.send(pings);
  await sleep(300);
  assert.equal(client.isClosed, false);
  assert.ok(client.socket.writableLength > 1_000_000, "most of it is still at the client");
  assert.ok(process.memoryUsage().arrayBuffers < 300_000_000);
});
