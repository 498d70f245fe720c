/** What goes over the wire, frame by frame. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { gunzipSync, gzipSync } from "node:zlib";
import { ErrorCode, Flag, FrameType } from "./framing/protocol.js";
import {
  block,
  data,
  frame,
  grpcMessage,
  HELLO,
  type Headers,
  headers,
  ping,
  requestHeaders,
  rstStream,
  uint32,
  unary,
} from "./testing/frames.js";
import { RawClient } from "./testing/raw-client.js";
import { serve } from "./testing/serve.js";

const NOW = "/test.Echo/Now";
const HELLO_WORLD = Buffer.from("hello");

test("a unary call", async (t) => {
  const { port } = await serve(t);
  const client = await RawClient.open(port);
  client.send(unary(1, NOW, HELLO_WORLD));
  const { headers, trailers, messages } = await client.answer(1);
  assert.deepEqual(headers, { ":status": "200", "content-type": "application/grpc" });
  assert.deepEqual(trailers, { "grpc-status": "0" });
  assert.deepEqual(messages, [HELLO_WORLD]);
  client.close();
});

test("from the second answer on, header blocks are two bytes and one", async (t) => {
  const { port } = await serve(t);
  const client = await RawClient.open(port);
  for (const id of [1, 3, 5]) client.send(unary(id, NOW, HELLO_WORLD));
  await client.answer(5);
  const blocks = client.frames.filter(({ type, streamId }) => type === FrameType.headers && streamId === 5);
  assert.deepEqual(
    blocks.map(({ payload }) => payload.length),
    [2, 1],
  );
  client.close();
});

test("padding, priority and CONTINUATION are taken", async (t) => {
  const { port } = await serve(t);
  const client = await RawClient.open(port);
  const bytes = block(requestHeaders(NOW));
  const first = Buffer.concat([
    Buffer.from([3]),
    uint32(0),
    Buffer.from([9]),
    bytes.subarray(0, 10),
    Buffer.alloc(3),
  ]);
  const message = grpcMessage(HELLO_WORLD);
  client.send(
    frame(FrameType.headers, Flag.padded | Flag.priority, 1, first),
    frame(FrameType.continuation, 0, 1, bytes.subarray(10, 11)),
    frame(FrameType.continuation, 0, 1),
    frame(FrameType.continuation, Flag.endHeaders, 1, bytes.subarray(11)),
    frame(
      FrameType.data,
      Flag.padded,
      1,
      Buffer.concat([Buffer.from([4]), message.subarray(0, 3), Buffer.alloc(4)]),
    ),
    frame(FrameType.priority, 0, 1, Buffer.concat([uint32(0), Buffer.from([1])])),
    frame(0xfa, 0xff, 1, Buffer.from("unknown")),
    data(1, message.subarray(3)),
  );
  assert.deepEqual((await client.answer(1)).messages, [HELLO_WORLD]);
  client.close();
});

test("trailers end a request", async (t) => {
  const { port } = await serve(t);
  const client = await RawClient.open(port);
  client.send(
    headers(1, requestHeaders(NOW)),
    data(1, grpcMessage(HELLO_WORLD), false),
    headers(1, [["x-trailer", "1"]], Flag.endHeaders | Flag.endStream),
  );
  assert.deepEqual((await client.answer(1)).messages, [HELLO_WORLD]);
  client.close();
});

test("PING is answered with its payload", async (t) => {
  const { port } = await serve(t);
  const client = await RawClient.open(port);
  client.send(ping(Buffer.from("12345678")));
  const { payload } = await client.frame(({ type, flags }) => type === FrameType.ping && flags === Flag.ack);
  assert.equal(payload.toString(), "12345678");
  client.close();
});

const plain = (more: Headers): Headers => [[":method", "POST"], [":scheme", "http"], [":path", NOW], ...more];

for (const [name, list, status, code, message] of [
  ["no content type", plain([[":authority", "a"]]), "415", "3", 'invalid gRPC request content-type ""'],
  [
    "another content type",
    plain([
      [":authority", "a"],
      ["content-type", "application/json"],
    ]),
    "415",
    "3",
    'invalid gRPC request content-type "application/json"',
  ],
  [
    "a content type that only begins alike",
    plain([
      [":authority", "a"],
      ["content-type", "application/grpcx"],
    ]),
    "415",
    "3",
    'invalid gRPC request content-type "application/grpcx"',
  ],
  [
    "no authority",
    plain([["content-type", "application/grpc"]]),
    "400",
    "13",
    "no host or :authority header present",
  ],
  [
    "another method",
    [[":method", "GET"], ...requestHeaders(NOW).slice(1)],
    "405",
    "13",
    'Received a HEADERS frame with :method "GET" which should be POST',
  ],
  [
    "a timeout that is none",
    requestHeaders(NOW, [["grpc-timeout", "1x"]]),
    "400",
    "13",
    'malformed grpc-timeout: transport: timeout unit is not recognized: "1x"',
  ],
  [
    "a timeout of nine digits",
    requestHeaders(NOW, [["grpc-timeout", "123456789S"]]),
    "400",
    "13",
    'malformed grpc-timeout: transport: timeout string is too long: "123456789S"',
  ],
  [
    "binary metadata that is none",
    requestHeaders(NOW, [["x-bin", "*"]]),
    "400",
    "13",
    'malformed binary metadata "*" in header "x-bin": illegal base64 data',
  ],
  [
    "a timeout of nothing",
    requestHeaders(NOW, [["grpc-timeout", "0S"]]),
    "200",
    "4",
    "context deadline exceeded",
  ],
  ["a path without a slash", requestHeaders("x"), "200", "12", 'malformed method name: "x"'],
  ["a path of one part", requestHeaders("/x"), "200", "12", 'malformed method name: "/x"'],
  ["an unknown service", requestHeaders("/a.B/C"), "200", "12", "unknown service a.B"],
  [
    "an unknown method",
    requestHeaders("/test.Echo/C"),
    "200",
    "12",
    "unknown method C for service test.Echo",
  ],
  [
    "an unknown encoding",
    requestHeaders(NOW, [["grpc-encoding", "br"]]),
    "200",
    "12",
    'grpc: Decompressor is not installed for grpc-encoding "br"',
  ],
] as [string, Headers, string, string, string][]) {
  test(`answers ${name} without a handler`, async (t) => {
    const { port } = await serve(t);
    const client = await RawClient.open(port);
    client.send(headers(1, list, Flag.endHeaders | Flag.endStream));
    const { trailers } = await client.answer(1);
    assert.equal(trailers[":status"], status);
    assert.equal(trailers["grpc-status"], code);
    assert.equal(trailers["grpc-message"], message);
    client.send(unary(3, NOW, HELLO_WORLD));
    await client.answer(3);
    client.close();
  });
}

for (const [name, list] of [
  ["an upper-case name", requestHeaders(NOW, [["X-Upper", "1"]])],
  ["an empty name", requestHeaders(NOW, [["", "1"]])],
  ["a value with a newline", requestHeaders(NOW, [["x", "a\nb"]])],
  ["connection", requestHeaders(NOW, [["connection", "close"]])],
  ["te other than trailers", requestHeaders(NOW, [["te", "gzip"]])],
  ["a pseudo-header behind others", requestHeaders(NOW, [[":authority", "b"]])],
  ["an unknown pseudo-header", [[":status", "200"], ...requestHeaders(NOW)]],
  ["a path twice", [[":path", "/"], ...requestHeaders(NOW)]],
  ["no path", requestHeaders(NOW).filter(([field]) => field !== ":path")],
  ["an empty path", requestHeaders("")],
] as [string, Headers][]) {
  test(`resets a request with ${name}`, async (t) => {
    const { port } = await serve(t);
    const client = await RawClient.open(port);
    client.send(headers(1, list, Flag.endHeaders | Flag.endStream));
    assert.equal(await client.reset(1), ErrorCode.protocolError);
    client.send(unary(3, NOW, HELLO_WORLD));
    await client.answer(3);
    client.close();
  });
}

test("content-length must be the body's length", async (t) => {
  const { port } = await serve(t);
  const client = await RawClient.open(port);
  client.send(unary(1, NOW, HELLO_WORLD, [["content-length", "10"]]));
  await client.answer(1);
  client.send(unary(3, NOW, HELLO_WORLD, [["content-length", "9"]]));
  assert.equal(await client.reset(3), ErrorCode.protocolError);
  client.send(unary(5, NOW, HELLO_WORLD, [["content-length", "11"]]));
  assert.equal(await client.reset(5), ErrorCode.protocolError);
  client.close();
});

test("DATA on a stream that the client reset is an error of that stream alone", async (t) => {
  const { port } = await serve(t);
  const client = await RawClient.open(port);
  client.send(headers(1, requestHeaders(NOW)), rstStream(1), data(1, grpcMessage(HELLO_WORLD)));
  assert.equal(await client.reset(1), ErrorCode.streamClosed);
  client.send(unary(3, NOW, HELLO_WORLD));
  await client.answer(3);
  client.close();
});

test("what still comes on a stream that the server ended early is ignored", async (t) => {
  const { port } = await serve(t);
  const client = await RawClient.open(port);
  client.send(headers(1, requestHeaders("/a.B/C")));
  assert.equal(await client.reset(1), ErrorCode.noError);
  client.send(
    data(1, grpcMessage(HELLO_WORLD), false),
    headers(1, [["x", "y"]], Flag.endHeaders | Flag.endStream),
  );
  client.send(unary(3, NOW, HELLO_WORLD));
  await client.answer(3);
  assert.equal(client.frames.filter(({ type }) => type === FrameType.rstStream).length, 1);
  client.close();
});

for (const [name, bytes, code] of [
  ["a HEADERS frame before SETTINGS", headers(1, requestHeaders(NOW)), ErrorCode.protocolError],
  ["an acknowledgement before SETTINGS", frame(FrameType.settings, Flag.ack, 0), ErrorCode.protocolError],
] as [string, Buffer, number][]) {
  test(`ends a connection on ${name}`, async (t) => {
    const { port } = await serve(t);
    const client = await RawClient.open(port, Buffer.concat([HELLO.subarray(0, 24), bytes]));
    assert.equal((await client.goAway()).code, code);
    await client.closed();
  });
}

test("bytes that are no HTTP/2 end the connection", async (t) => {
  const { port } = await serve(t);
  const client = await RawClient.open(port, Buffer.from("GET / HTTP/1.1\r\n\r\n"));
  assert.equal((await client.goAway()).code, ErrorCode.protocolError);
  await client.closed();
});

for (const [name, requests, code, message] of [
  ["no message", Buffer.alloc(0), "2", "EOF"],
  ["half a message", grpcMessage(HELLO_WORLD).subarray(0, 7), "13", "unexpected EOF"],
  [
    "two messages",
    Buffer.concat([grpcMessage(HELLO_WORLD), grpcMessage(HELLO_WORLD)]),
    "13",
    "cardinality violation: received multiple request messages for non-client-streaming RPC",
  ],
  [
    "a compressed flag without an encoding",
    grpcMessage(HELLO_WORLD, 1),
    "13",
    "grpc: compressed flag set with identity or empty encoding",
  ],
  ["an unknown flag", grpcMessage(HELLO_WORLD, 2), "13", "grpc: received unexpected payload format 2"],
] as [string, Buffer, string, string][]) {
  test(`a unary request of ${name} fails`, async (t) => {
    const { port } = await serve(t);
    const client = await RawClient.open(port);
    client.send(headers(1, requestHeaders(NOW)), data(1, requests));
    const { trailers } = await client.answer(1);
    assert.deepEqual([trailers["grpc-status"], trailers["grpc-message"]], [code, message]);
    client.close();
  });
}

test("a call with one request fails without it", async (t) => {
  const { port } = await serve(t);
  const client = await RawClient.open(port);
  client.send(headers(1, requestHeaders("/test.Echo/Once"), Flag.endHeaders | Flag.endStream));
  const { trailers } = await client.answer(1);
  assert.match(trailers["grpc-message"] ?? "", /received no request message/);
  client.close();
});

test("gzip both ways, and a bomb in it", async (t) => {
  const { port } = await serve(t, undefined, { maxReceiveBytes: 100_000 });
  const client = await RawClient.open(port);
  const gzip: Headers = [["grpc-encoding", "gzip"]];
  const body = Buffer.alloc(50_000, "text");
  client.send(headers(1, requestHeaders(NOW, gzip)), data(1, grpcMessage(gzipSync(body), 1)));
  const answer = await client.answer(1);
  assert.equal(answer.headers["grpc-encoding"], "gzip");
  assert.ok(gunzipSync(answer.messages[0] as Buffer).equals(body));
  client.send(
    headers(3, requestHeaders(NOW, gzip)),
    data(3, grpcMessage(gzipSync(Buffer.alloc(10_000_000)), 1)),
  );
  const bomb = (await client.answer(3)).trailers;
  const text = "grpc: received message after decompression larger than max 100000";
  assert.deepEqual([bomb["grpc-status"], bomb["grpc-message"]], ["8", text]);
  client.send(headers(5, requestHeaders(NOW, gzip)), data(5, grpcMessage(Buffer.from("no gzip"), 1)));
  assert.equal((await client.answer(5)).trailers["grpc-status"], "13");
  client.send(headers(7, requestHeaders("/test.Echo/Pieces", gzip)), data(7, grpcMessage(gzipSync(body), 1)));
  assert.ok(gunzipSync((await client.answer(7)).messages[0] as Buffer).equals(body));
  client.close();
});

test("answers are compressed where that is configured and the client takes it", async (t) => {
  const { port } = await serve(t, undefined, { compressResponses: true });
  const client = await RawClient.open(port);
  client.send(
    unary(1, NOW, HELLO_WORLD, [["grpc-accept-encoding", "identity, gzip"]]),
    unary(3, NOW, HELLO_WORLD),
  );
  const zipped = await client.answer(1);
  assert.equal(zipped.headers["grpc-encoding"], "gzip");
  assert.deepEqual(gunzipSync(zipped.messages[0] as Buffer), HELLO_WORLD);
  assert.deepEqual((await client.answer(3)).messages, [HELLO_WORLD]);
  client.close();
});

test("a content type with a subtype is answered with the same", async (t) => {
  const { port } = await serve(t);
  const client = await RawClient.open(port);
  const list = requestHeaders(NOW).map(([name, value]) => [
    name,
    name === "content-type" ? `${value}+proto` : value,
  ]);
  client.send(headers(1, list as unknown as Headers), data(1, grpcMessage(HELLO_WORLD)));
  assert.equal((await client.answer(1)).headers["content-type"], "application/grpc+proto");
  client.close();
});

test("an answer with metadata beyond one frame", async (t) => {
  const value = "v".repeat(40_000);
  const { port } = await serve(t, {
    a: {
      B: {
        kind: "unary",
        handle: (request, context) => {
          context.setTrailers({ "x-long": value });
          return request;
        },
      },
    },
  });
  const client = await RawClient.open(port);
  client.send(unary(1, "/a/B", HELLO_WORLD));
  await client.frame(({ type, flags }) => type === FrameType.continuation && flags === Flag.endHeaders);
  assert.equal((await client.answer(1)).trailers["x-long"], value);
  client.close();
});

test("a block that looks like the last one means what the table says now", async (t) => {
  const { port } = await serve(t, {
    a: { B: { kind: "unary", handle: (_request, { metadata }) => Buffer.from([...metadata].join(";")) } },
  });
  const client = await RawClient.open(port);
  const plain = block(requestHeaders("/a/B"));
  const withEntry = (name: string, value: string) =>
    Buffer.concat([
      plain,
      Buffer.from([0x40, name.length]),
      Buffer.from(name),
      Buffer.from([value.length]),
      Buffer.from(value),
    ]);
  const again = Buffer.concat([plain, Buffer.from([0xbe])]);
  const seen: string[] = [];
  let id = 1;
  for (const bytes of [withEntry("x", "1"), again, again, withEntry("y", "2"), again, again, plain, again]) {
    client.send(frame(FrameType.headers, Flag.endHeaders, id, bytes), data(id, grpcMessage(HELLO_WORLD)));
    const [message] = (await client.answer(id)).messages;
    seen.push(message?.toString().split(";").at(-1) ?? "");
    id += 2;
  }
  const last = "content-type,application/grpc";
  assert.deepEqual(seen, ["x,1", "x,1", "x,1", "y,2", "y,2", "y,2", last, "y,2"]);
  client.close();
});
