/** Windows, both ways. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { ErrorCode, Flag, FrameType, Setting } from "./framing/protocol.js";
import type { StreamCall } from "./service.js";
import {
  data,
  frame,
  grpcMessage,
  HELLO,
  headers,
  requestHeaders,
  settings,
  unary,
  windowUpdate,
} from "./testing/frames.js";
import { RawClient } from "./testing/raw-client.js";
import { serve } from "./testing/serve.js";

const SIZE = "/test.Echo/Size";
const sized = (id: number, bytes: number) => unary(id, SIZE, Buffer.from(`${bytes}`));
const helloWith = (...entries: [number, number][]) => Buffer.concat([HELLO, settings(...entries)]);

test("an answer trickles through windows of a few bytes, trailers last", async (t) => {
  const { port } = await serve(t);
  const client = await RawClient.open(port, helloWith([Setting.initialWindowSize, 0]));
  client.send(sized(1, 20));
  await client.frame(({ type, streamId }) => type === FrameType.headers && streamId === 1);
  for (let sent = 0; sent < 25; sent += 1) {
    await sleep(1);
    assert.equal(client.dataBytes(1), sent);
    assert.equal(client.frames.filter(({ type }) => type === FrameType.headers).length, 1);
    client.send(windowUpdate(1, 1));
    await client.until(() => client.dataBytes(1) === sent + 1 || undefined, "one byte more");
  }
  const { messages, trailers } = await client.answer(1);
  assert.deepEqual(messages, [Buffer.alloc(20, 5)]);
  assert.equal(trailers["grpc-status"], "0");
  client.close();
});

test("so does one in pieces", async (t) => {
  const { port } = await serve(t);
  const client = await RawClient.open(port, helloWith([Setting.initialWindowSize, 0]));
  const message = Buffer.from("in pieces, byte by byte");
  client.send(unary(1, "/test.Echo/Pieces", message));
  for (let sent = 0; sent < message.length + 5; sent += 1) {
    client.send(windowUpdate(1, 1));
    await client.until(() => client.dataBytes(1) === sent + 1 || undefined, "one byte more");
  }
  const { messages, trailers } = await client.answer(1);
  assert.deepEqual(messages, [message]);
  assert.equal(trailers["grpc-status"], "0");
  client.close();
});

test("the connection's window holds all of its streams, and they take turns", async (t) => {
  const { port } = await serve(t);
  const client = await RawClient.open(port, helloWith([Setting.initialWindowSize, 1_000_000]));
  client.send(sized(1, 100_000), sized(3, 100_000), sized(5, 100_000));
  await client.until(() => client.dataBytes() === 65_535 || undefined, "a full window");
  await sleep(20);
  assert.equal(client.dataBytes(), 65_535);
  client.send(windowUpdate(0, 150_000));
  await client.until(() => client.dataBytes() === 215_535 || undefined, "the larger window");
  for (const id of [1, 3, 5]) assert.ok(client.dataBytes(id) > 30_000, `stream ${id} got its share`);
  client.send(windowUpdate(0, 1_000_000));
  for (const id of [1, 3, 5]) assert.equal((await client.answer(id)).messages[0]?.length, 100_000);
  client.close();
});

test("no frame is larger than 16 KiB", async (t) => {
  const { port } = await serve(t);
  const client = await RawClient.open(port, helloWith([Setting.initialWindowSize, 10_000_000]));
  client.send(windowUpdate(0, 10_000_000), sized(1, 1_000_000));
  assert.equal((await client.answer(1)).messages[0]?.length, 1_000_000);
  assert.ok(client.frames.every(({ payload }) => payload.length <= 16_384));
  client.close();
});

test("a smaller initial window takes back what streams were given", async (t) => {
  const { port } = await serve(t);
  const client = await RawClient.open(port, helloWith([Setting.initialWindowSize, 10]));
  client.send(sized(1, 95));
  await client.until(() => client.dataBytes(1) === 10 || undefined, "ten bytes");
  client.send(settings([Setting.initialWindowSize, 5]), windowUpdate(1, 5));
  await sleep(20);
  assert.equal(client.dataBytes(1), 10, "the window is -5 + 5");
  client.send(windowUpdate(1, 1));
  await client.until(() => client.dataBytes(1) === 11 || undefined, "one byte more");
  client.send(settings([Setting.initialWindowSize, 1_000]));
  await client.answer(1);
  client.close();
});

test("windows above 2^31-1 are errors", async (t) => {
  const { port } = await serve(t);
  const stream = await RawClient.open(port);
  stream.send(headers(1, requestHeaders(SIZE)), windowUpdate(1, 2 ** 31 - 1));
  assert.equal(await stream.reset(1), ErrorCode.flowControlError);
  stream.send(windowUpdate(0, 2 ** 31 - 1));
  assert.equal((await stream.goAway()).code, ErrorCode.flowControlError);
  const initial = await RawClient.open(port);
  initial.send(
    headers(1, requestHeaders(SIZE)),
    windowUpdate(1, 1),
    settings([Setting.initialWindowSize, 2 ** 31 - 1]),
  );
  assert.equal((await initial.goAway()).code, ErrorCode.flowControlError);
});

test("the client gets credit as its requests are taken, padding included", async (t) => {
  const { port } = await serve(t, undefined, { streamWindowBytes: 1_000, connectionWindowBytes: 65_535 });
  const client = await RawClient.open(port);
  client.send(headers(1, requestHeaders("/test.Echo/Stream")));
  const padded = Buffer.concat([Buffer.from([100]), grpcMessage(Buffer.alloc(94)), Buffer.alloc(100)]);
  let credit = 1_000;
  let seen = 0;
  for (let count = 0; count < 50; count += 1) {
    await client.until(() => {
      const updates = client.frames.filter(
        ({ type, streamId }) => type === FrameType.windowUpdate && streamId === 1,
      );
      for (const { payload } of updates.slice(seen)) credit += payload.readUInt32BE();
      seen = updates.length;
      return credit >= padded.length || undefined;
    }, "credit");
    credit -= padded.length;
    client.send(frame(FrameType.data, Flag.padded, 1, padded));
  }
  client.send(data(1, Buffer.alloc(0)));
  assert.equal((await client.answer(1)).messages.length, 50);
  client.close();
});

test("more than the stream's window is an error of the stream", async (t) => {
  const { port } = await serve(t, undefined, { streamWindowBytes: 10_000 });
  const client = await RawClient.open(port);
  client.send(headers(1, requestHeaders("/test.Echo/Ignore")), data(1, Buffer.alloc(10_001), false));
  assert.equal(await client.reset(1), ErrorCode.flowControlError);
  client.send(unary(3, "/test.Echo/Now", Buffer.from("x")));
  await client.answer(3);
  client.close();
});

test("a handler that takes no requests stops its client, and no other", async (t) => {
  const { port } = await serve(t, undefined, { streamWindowBytes: 20_000, connectionWindowBytes: 100_000 });
  const client = await RawClient.open(port);
  client.send(headers(1, requestHeaders("/test.Echo/Ignore")));
  const credit = () =>
    client.frames
      .filter(({ type, streamId }) => type === FrameType.windowUpdate && streamId === 1)
      .reduce((total, { payload }) => total + payload.readUInt32BE(), 20_000);
  let sent = 0;
  for (let round = 0; round < 20; round += 1) {
    while (sent + 5_005 <= credit()) {
      client.send(data(1, grpcMessage(Buffer.alloc(5_000)), false));
      sent += 5_005;
    }
    await sleep(5);
  }
  assert.ok(sent >= 15_000 && sent <= 60_000, `${sent} bytes were let in`);
  client.send(unary(3, "/test.Echo/Now", Buffer.from("x")));
  await client.answer(3);
  client.close();
});

test("send tells when to stop, and onDrain when to go on", async (t) => {
  let refused = 0;
  let drained = 0;
  const handle = async (call: StreamCall) => {
    for (let left = 200; left > 0; left -= 1) {
      if (call.send(Buffer.alloc(10_000))) continue;
      refused += 1;
      await new Promise<void>((resolve) => call.onDrain(resolve));
      drained += 1;
    }
  };
  const services = { a: { B: { kind: "stream", clientStreams: false, handle } } } as const;
  const { port } = await serve(t, services, { sendQueueBytes: 50_000 });
  const client = await RawClient.open(port);
  client.send(unary(1, "/a/B", Buffer.alloc(0)));
  await client.until(() => client.dataBytes(1) === 65_535 || undefined, "a full window");
  await sleep(20);
  assert.equal(refused, 1);
  assert.equal(drained, 0);
  client.send(windowUpdate(0, 10_000_000), windowUpdate(1, 10_000_000));
  assert.equal((await client.answer(1)).messages.length, 200);
  assert.equal(refused, drained);
  client.close();
});

test("one buffer goes to a thousand streams without a copy in any queue", async (t) => {
  const message = Buffer.alloc(1_000_000, 1);
  let waiting: (() => void)[] = [];
  const handle = async (call: StreamCall) => {
    call.send(message);
    await new Promise<void>((resolve) => waiting.push(resolve));
  };
  const services = { a: { B: { kind: "stream", clientStreams: false, handle } } } as const;
  const { port } = await serve(t, services, { maxUnreadResponseBytes: Number.POSITIVE_INFINITY });
  const client = await RawClient.open(port);
  const before = process.memoryUsage().arrayBuffers;
  for (let index = 0; index < 1_000; index += 1) client.send(unary(2 * index + 1, "/a/B", Buffer.alloc(0)));
  await client.until(() => waiting.length === 1_000 || undefined, "all calls");
  const grown = process.memoryUsage().arrayBuffers - before;
  assert.ok(grown < 30_000_000, `${grown} bytes`);
  for (const resolve of waiting) resolve();
  waiting = [];
  client.close();
});
