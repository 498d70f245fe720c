/** How long clients are waited for that hold things up. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { ErrorCode, Flag, FrameType, PREFACE, Setting } from "./framing/protocol.js";
import type { UnaryHandler } from "./service.js";
import {
  block,
  data,
  frame,
  grpcMessage,
  HELLO,
  headers,
  ping,
  requestHeaders,
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

test("handshakeTimeoutMs: a silent client, or one that stops in the preface, is dropped", async (t) => {
  for (const hello of [Buffer.alloc(0), PREFACE.subarray(0, 10), PREFACE]) {
    const client = await open(t, { handshakeTimeoutMs: 50 }, hello);
    await client.closed();
  }
});

test("settingsTimeoutMs: SETTINGS that are not acknowledged", async (t) => {
  const client = await open(t, { settingsTimeoutMs: 50 }, Buffer.concat([PREFACE, settings()]));
  assert.equal((await client.goAway()).code, ErrorCode.settingsTimeout);
  await client.closed();
});

test("frameTimeoutMs: a frame that never ends, even byte by byte", async (t) => {
  const client = await open(t, { frameTimeoutMs: 100 });
  const bytes = headers(1, requestHeaders(NOW));
  for (let at = 0; at < bytes.length - 1 && !client.isClosed; at += 1) {
    client.send(bytes.subarray(at, at + 1));
    await sleep(5);
  }
  await client.closed();
});

test("frameTimeoutMs: a header block that never ends", async (t) => {
  const client = await open(t, { frameTimeoutMs: 50 });
  client.send(frame(FrameType.headers, 0, 1, block(requestHeaders(NOW))));
  await client.closed();
});

test("requestTimeoutMs: a unary request that never ends, even in drips", async (t) => {
  const client = await open(t, { requestTimeoutMs: 100 });
  client.send(
    headers(1, requestHeaders(NOW)),
    data(1, grpcMessage(Buffer.alloc(1_000)).subarray(0, 5), false),
  );
  for (let count = 0; count < 30; count += 1) {
    client.send(data(1, X, false));
    await sleep(5);
  }
  assert.equal((await client.answer(1)).trailers["grpc-status"], "4");
});

test("requestTimeoutMs: so does the only request of a stream of answers", async (t) => {
  const client = await open(t, { requestTimeoutMs: 50 });
  client.send(headers(1, requestHeaders("/test.Echo/Once")));
  client.send(headers(3, requestHeaders("/test.Echo/Once")), data(3, grpcMessage(X), false));
  assert.equal((await client.answer(1)).trailers["grpc-status"], "4");
  await sleep(100);
  assert.deepEqual(client.messages(3), [X]);
  assert.equal(
    client.frames.some(({ type, streamId }) => type === FrameType.rstStream && streamId === 3),
    false,
    "a request that has come may be followed by nothing for as long as the client likes",
  );
});

test("requestTimeoutMs: a request that is not gRPC and never ends is refused all the same", async (t) => {
  const client = await open(t, { requestTimeoutMs: 50 });
  const list = requestHeaders(NOW).filter(([name]) => name !== "content-type");
  client.send(headers(1, list), data(1, X, false));
  assert.equal((await client.answer(1)).headers[":status"], "415");
});

test("sendTimeoutMs: an answer that the client gives no window", async (t) => {
  const hello = Buffer.concat([HELLO, settings([Setting.initialWindowSize, 0])]);
  const client = await open(t, { sendTimeoutMs: 50 }, hello);
  client.send(unary(1, NOW, X));
  assert.equal(await client.reset(1), ErrorCode.cancel);
  client.send(windowUpdate(1, 100), unary(3, NOW, X), windowUpdate(3, 100));
  await client.answer(3);
});

test("sendTimeoutMs: one that gets window byte by byte", async (t) => {
  const hello = Buffer.concat([HELLO, settings([Setting.initialWindowSize, 0])]);
  const client = await open(t, { sendTimeoutMs: 300 }, hello);
  client.send(unary(1, "/test.Echo/Size", Buffer.from("100000")));
  const isReset = () =>
    client.frames.some(({ type, streamId }) => type === FrameType.rstStream && streamId === 1);
  for (let count = 0; count < 400 && !isReset(); count += 1) {
    client.send(windowUpdate(1, 1));
    await sleep(5);
  }
  assert.equal(await client.reset(1), ErrorCode.cancel);
});

test("sendTimeoutMs: but not one that is read slowly", async (t) => {
  const hello = Buffer.concat([HELLO, settings([Setting.initialWindowSize, 0])]);
  const client = await open(t, { sendTimeoutMs: 300 }, hello);
  client.send(unary(1, "/test.Echo/Size", Buffer.from("400000")), windowUpdate(0, 1_000_000));
  for (let sent = 0; sent < 400_005; sent += 20_000) {
    client.send(windowUpdate(1, 20_000));
    await sleep(50);
  }
  assert.equal((await client.answer(1)).messages[0]?.length, 400_000);
});

test("writeTimeoutMs: a socket that takes nothing more", async (t) => {
  const { port, server } = await serve(t, undefined, { tickMs: 10, writeTimeoutMs: 200 });
  const client = await RawClient.open(port);
  client.socket.pause();
  client.send(settings([Setting.initialWindowSize, 2 ** 31 - 1]), windowUpdate(0, 2 ** 31 - 1 - 65_535));
  for (let id = 1; id < 20; id += 2) client.send(unary(id, "/test.Echo/Size", Buffer.from("4000000")));
  await client.until(() => server.connectionCount === 1 || undefined, "the connection");
  await client.until(() => server.connectionCount === 0 || undefined, "its end");
  client.close();
});

test("keepalive: a silent client is pinged, and dropped without an answer", async (t) => {
  const client = await open(t, { keepaliveIntervalMs: 50, keepaliveTimeoutMs: 50 });
  await client.frame(({ type, flags }) => type === FrameType.ping && flags === 0);
  client.send(ping(Buffer.alloc(8), Flag.ack));
  await sleep(60);
  assert.equal(client.isClosed, false);
  await client.closed();
});

test("a half-open socket: a client that ends its half is gone, and its calls with it", async (t) => {
  let aborted = 0;
  const wait: UnaryHandler = (_request, context) =>
    new Promise((_, reject) =>
      context.onAbort((reason) => {
        aborted += 1;
        reject(reason);
      }),
    );
  const { port, server } = await serve(t, { "test.Echo": { Hang: { kind: "unary", handle: wait } } });
  const client = await RawClient.open(port);
  client.send(unary(1, HANG, X));
  await client.until(() => client.frames.length > 0 || undefined, "SETTINGS");
  client.socket.end();
  await client.until(() => server.connectionCount === 0 || undefined, "the end of the connection");
  assert.equal(aborted, 1);
});
