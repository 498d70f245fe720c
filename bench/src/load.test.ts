/** The load generator against servers that say what real ones seldom do. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { describe, test } from "node:test";
import {
  END_HEADERS,
  END_STREAM,
  FrameType,
  frame,
  header,
  PREFACE,
} from "@etcd-adapter/test/dist/protocol/fuzz/http2.js";
import { isRequired } from "@etcd-adapter/test/dist/servers/index.js";
import { buildLoad } from "./load.js";

const { data, headers, reset, settings } = FrameType;
const WINDOW_UPDATE = 8;
const NOTHING = Buffer.alloc(0);

/** With NO_ERROR. */
const ended = (stream: number) => frame(reset, 0, stream, Buffer.alloc(4));

/** A put's answer: status 200, a header with revision 2, and grpc-status 0 in HPACK's plainest words. */
function answer(stream: number): Buffer {
  return Buffer.concat([
    frame(headers, END_HEADERS, stream, Buffer.from([0x88])),
    frame(data, 0, stream, Buffer.from([0, 0, 0, 0, 4, 0x0a, 2, 0x18, 2])),
    frame(headers, END_HEADERS | END_STREAM, stream, header("grpc-status", "0")),
  ]);
}

/** Answers each request on a connection with the bytes of `respond`. */
function converse(socket: Socket, respond: (stream: number) => Buffer): void {
  let bytes = Buffer.alloc(0);
  let from = PREFACE.length;
  socket.on("error", () => {});
  // all that the client will send fits in
  socket.write(
    Buffer.concat([frame(settings, 0, 0, NOTHING), frame(WINDOW_UPDATE, 0, 0, Buffer.from([0x7f, 0, 0, 0]))]),
  );
  socket.on("data", (chunk) => {
    bytes = Buffer.concat([bytes, chunk]);
    while (bytes.length >= from + 9 && bytes.length >= from + 9 + bytes.readUIntBE(from, 3)) {
      const [type, flags, stream] = [bytes[from + 3], bytes[from + 4]!, bytes.readUInt32BE(from + 5)];
      from += 9 + bytes.readUIntBE(from, 3);
      if (type === data && flags & END_STREAM) socket.write(respond(stream));
    }
    bytes = bytes.subarray(from);
    from = 0;
  });
}

async function puts(respond: (stream: number) => Buffer) {
  const load = await buildLoad();
  const server = createServer((socket) => converse(socket, respond));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  try {
    const { port } = server.address() as AddressInfo;
    return await load(`127.0.0.1:${port}`, ["grpc", "--operation=put", "--warmup=0s", "--duration=50ms"]);
  } finally {
    server.close();
  }
}

if (isRequired("etcd")) {
  describe("load", () => {
    // As Go's server does with a request whose end it has not seen yet.
    test("a stream may be reset once it is answered", async () => {
      const { figures } = await puts((stream) => Buffer.concat([answer(stream), ended(stream)]));
      assert.ok(figures.perSecond! > 0);
    });

    test("and not before", async () => {
      await assert.rejects(puts(ended), /the server reset a stream: NO_ERROR/);
    });
  });
}
