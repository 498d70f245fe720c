/** Requests that are not gRPC, for a program that serves them. */
import assert from "node:assert/strict";
import { once } from "node:events";
import * as http2 from "node:http2";
import { createServer } from "node:net";
import { test } from "node:test";
import { ErrorCode, Setting } from "./framing/protocol.js";
import type { Options } from "./options.js";
import { GrpcServer } from "./server.js";
import type { OtherHandler } from "./service.js";
import { data, HELLO, headers, requestHeaders, rstStream, settings, unary } from "./testing/frames.js";
import { RawClient } from "./testing/raw-client.js";
import { listen, testServices } from "./testing/serve.js";

const echo: OtherHandler = async (request) => {
  request.respond(201, { "Content-Type": "text/plain", Connection: "close", "x-path": request.path });
  for await (const part of request.body) {
    if (!request.write(part)) await new Promise<void>((resolve) => request.onDrain(resolve));
  }
  request.write(Buffer.from(request.headers.get("x-last") ?? ""));
  request.end();
};

function serveOther(t: Parameters<typeof listen>[0], handler: OtherHandler, options: Partial<Options> = {}) {
  const server = new GrpcServer(testServices, options);
  return listen(
    t,
    server,
    createServer((socket) => server.accept(socket, handler)),
  );
}

test("are echoed beside gRPC, long ones too", async (t) => {
  const { port } = await serveOther(t, echo);
  const session = http2.connect(`http://127.0.0.1:${port}`);
  for (const size of [0, 10, 3_000_000]) {
    const stream = session.request({ ":method": "POST", ":path": "/a?b", "x-last": "end" });
    stream.end(Buffer.alloc(size, 1));
    const [head] = (await once(stream, "response")) as [http2.IncomingHttpHeaders];
    assert.equal(head[":status"], 201);
    assert.equal(head["content-type"], "text/plain");
    assert.equal(head["x-path"], "/a?b");
    const chunks: Buffer[] = [];
    for await (const chunk of stream) chunks.push(chunk as Buffer);
    assert.ok(Buffer.concat(chunks).equals(Buffer.concat([Buffer.alloc(size, 1), Buffer.from("end")])));
  }
  session.close();
  const client = await RawClient.open(port);
  client.send(unary(1, "/test.Echo/Now", Buffer.from("x")));
  await client.answer(1);
  client.close();
});

test("are told when their client goes away", async (t) => {
  let aborted = 0;
  const { port } = await serveOther(t, (request) => request.onAbort(() => (aborted += 1)));
  const client = await RawClient.open(port, HELLO);
  const list = requestHeaders("/").filter(([name]) => name !== "content-type");
  client.send(headers(1, list), data(1, Buffer.from("x"), false), rstStream(1));
  await client.until(() => aborted || undefined, "the abortion");
  client.send(headers(3, list));
  client.close();
  await client.until(() => aborted === 2 || undefined, "the second");
});

test("are given up if their client does not read the answer", async (t) => {
  const handler: OtherHandler = (request) => {
    request.write(Buffer.alloc(50_000));
    request.end();
  };
  const { port } = await serveOther(t, handler, { tickMs: 10, sendTimeoutMs: 50 });
  const client = await RawClient.open(
    port,
    Buffer.concat([HELLO, settings([Setting.initialWindowSize, 10_000])]),
  );
  client.send(
    headers(
      1,
      requestHeaders("/").filter(([name]) => name !== "content-type"),
    ),
  );
  assert.equal(await client.reset(1), ErrorCode.cancel);
  assert.equal(client.dataBytes(1), 10_000);
  client.close();
});
