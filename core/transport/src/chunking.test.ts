/** A valid exchange gives the same bytes however its own are cut. */
import { strict as assert } from "node:assert";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import fc from "fast-check";
import { Flag, FrameType, Setting } from "./framing/protocol.js";
import { GrpcServer } from "./server.js";
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
import { MemorySocket } from "./testing/memory-socket.js";
import { testServices } from "./testing/serve.js";

const server = new GrpcServer(testServices, { minPingIntervalMs: 0, maxReceiveBytes: 60_000 });

async function answerTo(chunks: readonly Buffer[]): Promise<Buffer> {
  const socket = new MemorySocket();
  server.accept(socket.asSocket);
  for (const chunk of chunks) {
    socket.push(chunk);
    await turn();
  }
  for (let count = 0; count < 3; count += 1) await turn();
  socket.destroy();
  await turn();
  return socket.output;
}

const NOW = "/test.Echo/Now";
const bytes = fc.uint8Array({ maxLength: 2_000 }).map((array) => Buffer.from(array));

/** Requests that are answered at once: what comes later may come in another order. */
const step = fc.oneof(
  bytes.map((message) => (id: number) => unary(id, NOW, message)),
  fc.constant((id: number) => unary(id, "/test.Echo/Size", Buffer.from("50000"))),
  fc.constant((id: number) => unary(id, "/test.Echo/None", Buffer.alloc(10))),
  fc.constant((id: number) => headers(id, requestHeaders(""))),
  fc.constant((id: number) =>
    headers(
      id,
      [
        [":method", "GET"],
        [":scheme", "http"],
        [":path", "/"],
      ],
      Flag.endHeaders | Flag.endStream,
    ),
  ),
  fc.constant((id: number) => Buffer.concat([headers(id, requestHeaders(NOW)), rstStream(id)])),
  fc.constant((id: number) =>
    Buffer.concat([headers(id, requestHeaders(NOW)), data(id, Buffer.alloc(3, 255))]),
  ),
  bytes.map((message) => (id: number) => {
    const list = block(requestHeaders(NOW, [["x", message.toString("hex")]]));
    const middle = Math.min(16_000, list.length >> 1);
    return Buffer.concat([
      frame(FrameType.headers, 0, id, list.subarray(0, middle)),
      frame(FrameType.continuation, Flag.endHeaders, id, list.subarray(middle)),
      frame(
        FrameType.data,
        Flag.padded,
        id,
        Buffer.concat([Buffer.from([7]), grpcMessage(message), Buffer.alloc(7)]),
      ),
      data(id, Buffer.alloc(0)),
    ]);
  }),
  fc.constant(() => ping(Buffer.from("pingpong"))),
  fc.constant(() => settings([Setting.initialWindowSize, 200_000], [Setting.headerTableSize, 0])),
  fc.constant(() => settings([Setting.headerTableSize, 4_096])),
  fc.constant(() => windowUpdate(0, 100_000)),
);

test("the same bytes whatever the chunks", async () => {
  const cuts = fc.array(fc.integer({ min: 1, max: 3_000 }), { maxLength: 40 });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 12 }), cuts, async (steps, sizes) => {
      const all = Buffer.concat([HELLO, ...steps.map((make, index) => make(2 * index + 1))]);
      const chunks: Buffer[] = [];
      let at = 0;
      for (const size of sizes) {
        chunks.push(all.subarray(at, at + size));
        at += size;
      }
      chunks.push(all.subarray(at));
      const cut = chunks.filter(({ length }) => length > 0);
      const whole = await answerTo([all]);
      assert.ok(whole.equals(await answerTo(cut)));
    }),
    { numRuns: 150 },
  );
});

test("and byte by byte", async () => {
  const all = Buffer.concat([
    HELLO,
    unary(1, NOW, Buffer.from("x")),
    unary(3, "/test.Echo/Size", Buffer.from("9000")),
  ]);
  const whole = await answerTo([all]);
  assert.ok(whole.equals(await answerTo(Array.from(all, (byte) => Buffer.from([byte])))));
});
