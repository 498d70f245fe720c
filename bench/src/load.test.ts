/** The load generator against servers that say what real ones seldom do. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { describe, test } from "node:test";
import { isRequired } from "@etcd-adapter/test/dist/servers/index.js";
import { buildLoad } from "./load.js";

const PREFACE_BYTES = 24;
const DATA = 0;
const HEADERS = 1;
const RST_STREAM = 3;
const SETTINGS = 4;
const WINDOW_UPDATE = 8;
const END = 1;
const END_HEADERS = 4;
const NO_ERROR = Buffer.alloc(4);

function frame(type: number, flags: number, stream: number, payload = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

const reset = (stream: number) => frame(RST_STREAM, 0, stream, NO_ERROR);

/** A put's answer: status 200, a header with revision 2, and grpc-status 0 in HPACK's plainest words. */
function answer(stream: number): Buffer {
  return Buffer.concat([
    frame(HEADERS, END_HEADERS, stream, Buffer.from([0x88])),
    frame(DATA, 0, stream, Buffer.from([0, 0, 0, 0, 4, 0x0a, 2, 0x18, 2])),
    frame(HEADERS, END_HEADERS | END, stream, Buffer.from("\0\x0bgrpc-status\x010", "latin1")),
  ]);
}

/** Answers each request on a connection with the bytes of `respond`. */
function converse(socket: Socket, respond: (stream: number) => Buffer): void {
  let bytes = Buffer.alloc(0);
  let from = PREFACE_BYTES;
  socket.on("error", () => {});
  // all that the client will send fits in
  socket.write(
    Buffer.concat([frame(SETTINGS, 0, 0), frame(WINDOW_UPDATE, 0, 0, Buffer.from([0x7f, 0, 0, 0]))]),
  );
  socket.on("data", (chunk) => {
    bytes = Buffer.concat([bytes, chunk]);
    while (bytes.length >= from + 9 && bytes.length >= from + 9 + bytes.readUIntBE(from, 3)) {
      const [type, flags, stream] = [bytes[from + 3], bytes[from + 4]!, bytes.readUInt32BE(from + 5)];
      from += 9 + bytes.readUIntBE(from, 3);
      if (type === DATA && flags & END) socket.write(respond(stream));
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
      const { figures } = await puts((stream) => Buffer.concat([answer(stream), reset(stream)]));
      assert.ok(figures.perSecond! > 0);
    });

    test("and not before", async () => {
      await assert.rejects(puts(reset), /the server reset a stream: NO_ERROR/);
    });
  });
}
