/** How connections come and go. */
import assert from "node:assert/strict";
import { once } from "node:events";
import * as http from "node:http";
import * as http2 from "node:http2";
import { createServer, type Socket } from "node:net";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { createServer as createTlsServer, type TLSSocket } from "node:tls";
import { ErrorCode, Flag, FrameType } from "./framing/protocol.js";
import { GrpcServer } from "./server.js";
import { TEST_CERTIFICATE, TEST_KEY } from "./testing/certificate.js";
import { data, grpcMessage, HELLO, headers, ping, requestHeaders, unary } from "./testing/frames.js";
import { RawClient } from "./testing/raw-client.js";
import { listen, serve, testServices } from "./testing/serve.js";

const NOW = "/test.Echo/Now";
const X = Buffer.from("x");

test("drain lets calls end, serves those that were on their way, and refuses later ones", async (t) => {
  const { port, server } = await serve(t);
  const client = await RawClient.open(port);
  client.send(headers(1, requestHeaders("/test.Echo/Stream")), data(1, grpcMessage(X), false));
  await client.until(() => client.messages(1).length === 1 || undefined, "the echo");
  const drained = server.drain();
  const first = await client.frame(({ type }) => type === FrameType.goaway);
  assert.equal(first.payload.readUInt32BE(0), 2 ** 31 - 1);
  client.send(unary(3, NOW, X));
  assert.deepEqual((await client.answer(3)).messages, [X]);
  const { payload } = await client.frame(({ type, flags }) => type === FrameType.ping && flags === 0);
  client.send(ping(payload, Flag.ack));
  const second = await client.frame(
    ({ type, payload: bytes }) => type === FrameType.goaway && bytes.readUInt32BE(0) < 2 ** 31 - 1,
  );
  assert.equal(second.payload.readUInt32BE(0), 3);
  assert.equal(second.payload.readUInt32BE(4), ErrorCode.noError);
  client.send(unary(5, NOW, X));
  assert.equal(await client.reset(5), ErrorCode.refusedStream);
  client.send(data(1, grpcMessage(X)));
  assert.equal((await client.answer(1)).messages.length, 2);
  await drained;
  await client.closed();
});

test("drain goes on without the client's word", async (t) => {
  const { port, server } = await serve(t, undefined, { tickMs: 10, drainPingTimeoutMs: 30 });
  const client = await RawClient.open(port);
  client.send(unary(1, NOW, X));
  await client.answer(1);
  await server.drain();
  await client.closed();
});

test("close tells every call, and aborts its handler", async (t) => {
  const reasons: Error[] = [];
  const { port, server } = await serve(t, {
    a: {
      B: {
        kind: "stream",
        clientStreams: true,
        handle: ({ context }) =>
          new Promise((_, reject) => {
            context.onAbort((reason) => {
              reasons.push(reason);
              reject(reason);
            });
          }),
      },
    },
  });
  const client = await RawClient.open(port);
  client.send(headers(1, requestHeaders("/a/B")), headers(3, requestHeaders("/a/B")));
  await client.until(() => server.connectionCount === 1 || undefined, "the connection");
  await sleep(20);
  server.close();
  assert.equal((await client.answer(1)).trailers["grpc-status"], "14");
  assert.equal((await client.answer(3)).trailers["grpc-message"], "the server is stopping");
  assert.equal((await client.goAway()).code, ErrorCode.noError);
  await client.closed();
  assert.equal(reasons.length, 2);
});

test("a client that goes away aborts its calls", async (t) => {
  const reasons: Error[] = [];
  const { port, server } = await serve(t, {
    a: {
      B: {
        kind: "unary",
        handle: (_request, context) => {
          context.onAbort((reason) => reasons.push(reason));
          return new Promise<Buffer>(() => {});
        },
      },
    },
  });
  for (const end of ["destroy", "end"] as const) {
    const client = await RawClient.open(port);
    client.send(unary(1, "/a/B", X));
    await sleep(30);
    client.socket[end]();
    await client.until(() => server.connectionCount === 0 || undefined, "the end");
  }
  assert.deepEqual(
    reasons.map(({ message }) => message),
    ["context canceled", "context canceled"],
  );
});

test("a handler learns who calls", async (t) => {
  const { port } = await serve(t, {
    a: { B: { kind: "unary", handle: (_request, { peer }) => Buffer.from(peer.address) } },
  });
  const client = await RawClient.open(port);
  client.send(unary(1, "/a/B", X));
  const { localPort } = client.socket;
  assert.equal((await client.answer(1)).messages[0]?.toString(), `127.0.0.1:${localPort}`);
  client.close();
});

test("behind a split of the first bytes that puts them back", async (t) => {
  const server = new GrpcServer(testServices);
  const web = http.createServer((_request, response) => response.end("web"));
  const listener = createServer((socket) => split(socket, server, web));
  const { port } = await listen(t, server, listener);
  const client = await RawClient.open(port, Buffer.alloc(0));
  const bytes = Buffer.concat([HELLO, unary(1, NOW, X)]);
  for (const part of [
    bytes.subarray(0, 1),
    bytes.subarray(1, 7),
    bytes.subarray(7, 30),
    bytes.subarray(30),
  ]) {
    client.send(part);
    await sleep(10);
  }
  assert.deepEqual((await client.answer(1)).messages, [X]);
  const whole = await RawClient.open(port, bytes);
  await whole.answer(1);
  assert.equal(await (await fetch(`http://127.0.0.1:${port}/`)).text(), "web");
  client.close();
  whole.close();
});

/** As a listener would tell HTTP/2 from HTTP/1.1. */
function split(socket: Socket, server: GrpcServer, web: http.Server): void {
  let head = Buffer.alloc(0);
  const peek = () => {
    const chunk: Buffer | null = socket.read();
    if (chunk !== null) head = Buffer.concat([head, chunk]);
    if (head.length < 3) return;
    socket.off("readable", peek);
    socket.unshift(head);
    if (head.toString("latin1", 0, 3) === "PRI") server.accept(socket);
    else web.emit("connection", socket);
  };
  socket.on("readable", peek);
}

test("node:http2's client over TLS, with a client's certificate", async (t) => {
  const names: unknown[] = [];
  const server = new GrpcServer({
    a: {
      B: {
        kind: "unary",
        handle: async (request, { peer }) => {
          names.push((peer.socket as TLSSocket).getPeerCertificate().subject.CN);
          return request;
        },
      },
    },
  });
  const tls = { cert: TEST_CERTIFICATE, key: TEST_KEY, ca: TEST_CERTIFICATE };
  const listener = createTlsServer({ ...tls, requestCert: true, ALPNProtocols: ["h2"] }, (socket) =>
    server.accept(socket),
  );
  const { port } = await listen(t, server, listener);
  const session = http2.connect(`https://localhost:${port}`, { ...tls, host: "127.0.0.1" });
  const body = Buffer.alloc(300_000, 1);
  const stream = session.request({ ":method": "POST", ":path": "/a/B", "content-type": "application/grpc" });
  stream.end(grpcMessage(body));
  const chunks: Buffer[] = [];
  stream.on("data", (chunk: Buffer) => chunks.push(chunk));
  const [[trailers]] = (await Promise.all([once(stream, "trailers"), once(stream, "end")])) as [
    [http2.IncomingHttpHeaders],
    unknown,
  ];
  assert.equal(trailers["grpc-status"], "0");
  assert.ok(Buffer.concat(chunks).subarray(5).equals(body));
  assert.deepEqual(names, ["localhost"]);
  session.close();
});

test("a fault of a handler's listener fails its call alone", async (t) => {
  const { port } = await serve(
    t,
    {
      a: {
        B: {
          kind: "stream",
          clientStreams: false,
          handle: (call) => {
            call.onDrain(() => {
              throw new Error("a fault");
            });
            while (call.send(Buffer.alloc(10_000)));
            return new Promise<void>(() => {});
          },
        },
        C: { kind: "unary", handle: (request) => request },
      },
    },
    { sendQueueBytes: 20_000 },
  );
  const client = await RawClient.open(port);
  client.send(unary(1, "/a/B", X));
  await client.until(() => client.dataBytes(1) === 65_535 || undefined, "a full window");
  const credit = Buffer.from([0, 0, 4, 8, 0, 0, 0, 0, 0, 0, 16, 0, 0]);
  const streamCredit = Buffer.from([0, 0, 4, 8, 0, 0, 0, 0, 1, 0, 16, 0, 0]);
  client.send(credit, streamCredit);
  assert.equal((await client.answer(1)).trailers["grpc-status"], "2");
  client.send(unary(3, "/a/C", X));
  await client.answer(3);
  client.close();
});
