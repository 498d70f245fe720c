import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { request as httpRequest } from "node:http";
import { connect as connectHttp2, constants } from "node:http2";
import { request as httpsRequest } from "node:https";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { connect as connectTls } from "node:tls";
import { create } from "@bufbuild/protobuf";
import * as grpc from "@grpc/grpc-js";
import type { Peer } from "../api/service.js";
import { RangeResponseSchema } from "../gen/etcdserverpb/kv_pb.js";
import { ListenError } from "./listener.js";
import { makeCertificate } from "./testing/certificate.js";
import { aborted, listen, post, until, Wire } from "./testing/fixture.js";

const HTTP2_HELLO = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/** An empty SETTINGS frame. */
const SETTINGS = Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]);
const RANGE = post("/v3/kv/range", '{"key":"YQ=="}');

describe("what a connection speaks", () => {
  test("HTTP/1.1, its first bytes in pieces", async () => {
    await using fixture = await listen({});
    const wire = new Wire(fixture.port);
    for (const piece of [RANGE.slice(0, 1), RANGE.slice(1, 2), RANGE.slice(2, 40), RANGE.slice(40)]) {
      wire.send(piece);
      await sleep(10);
    }
    assert.match(await wire.receive("{}"), /^HTTP\/1.1 200 OK\r\n/);
    wire.socket.destroy();
  });

  test("HTTP/2, its first bytes in pieces", async () => {
    await using fixture = await listen({});
    const wire = new Wire(fixture.port);
    for (const piece of ["P", "R", "I * HT", HTTP2_HELLO.slice(8), SETTINGS]) {
      wire.send(piece);
      await sleep(10);
    }
    // The server's settings, and its acknowledgement of ours.
    await wire.receive("\0\0\0\x04\x01\0\0\0\0");
    wire.socket.destroy();
  });

  test("a client that says nothing, or too little, is closed", async () => {
    await using fixture = await listen({}, { timeouts: { helloMs: 50 } });
    const wires = ["", "P", "PR", "PRI", HTTP2_HELLO.slice(0, -1)].map((text) =>
      new Wire(fixture.port).send(text),
    );
    await until(() => wires.every((wire) => wire.closed), "the close");
  });

  test("garbage is refused and closed", async () => {
    await using fixture = await listen({});
    for (const text of ["GARBAGE\r\n\r\n", "\x16\x03\x01\x02\0", "\0\0\0\0\0", "PRX\r\n\r\n"]) {
      const wire = new Wire(fixture.port).send(text);
      await until(() => wire.closed, "the close");
      assert.match(wire.received, /^HTTP\/1.1 400 Bad Request\r\n/);
    }
    const wire = new Wire(fixture.port).send(HTTP2_HELLO, Buffer.alloc(100, 0xff));
    await until(() => wire.closed, "the close of a broken HTTP/2 connection");
  });

  test("a client that goes away at once", async () => {
    await using fixture = await listen({});
    for (const text of ["", "P", "PRI", "POST /v3/kv/range HTTP/1.1\r\n", HTTP2_HELLO]) {
      const wire = new Wire(fixture.port).send(text);
      await sleep(5);
      wire.socket.resetAndDestroy();
    }
    assert.match(await new Wire(fixture.port).send(RANGE).receive("{}"), /200 OK/);
  });
});

describe("where it listens", () => {
  test("a taken address is an error that names it", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await until(() => server.listening, "the other server");
    const { port } = server.address() as { port: number };
    await assert.rejects(
      listen({}, { urls: ["http://127.0.0.1:0", `http://127.0.0.1:${port}`] }),
      (error) => {
        assert.ok(error instanceof ListenError);
        assert.match(error.message, new RegExp(`Cannot listen on http://127.0.0.1:${port}: .* in use`));
        return true;
      },
    );
    server.close();
  });

  test("URLs that are none", async () => {
    const cases: [string, RegExp][] = [
      ["127.0.0.1:2379", /is not a listen URL/],
      ["ftp://127.0.0.1:2379", /is not a listen URL/],
      ["http://127.0.0.1:2379/path", /has a path/],
      ["unix://", /names no socket/],
      ["https://127.0.0.1:0", /no certificate/],
      ["http://192.0.2.1:0", /no such address/],
    ];
    for (const [url, message] of cases) {
      await assert.rejects(listen({}, { urls: [url] }), { name: "ListenError", message });
    }
  });

  test("several addresses, a socket file among them, also one left behind", async () => {
    const folder = mkdtempSync(join(tmpdir(), "etcd-adapter-listener-"));
    const path = join(folder, "socket");
    try {
      for (let round = 0; round < 2; round++) {
        await using fixture = await listen({}, { urls: ["http://127.0.0.1:0", `unix://${path}`] });
        assert.equal(fixture.listener.addresses[1], `unix://${path}`);
        assert.match(await new Wire(fixture.port).send(RANGE).receive("{}"), /200 OK/);
        const status = await new Promise((resolve, reject) => {
          const request = httpRequest(
            { socketPath: path, path: "/v3/kv/range", method: "POST" },
            (response) => resolve(response.resume().statusCode),
          );
          request.on("error", reject).end();
        });
        assert.equal(status, 200);
        await assert.rejects(listen({}, { urls: [`unix://${path}`] }), /in use/);
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

const certificate = makeCertificate("alice");

describe("TLS", { skip: certificate === undefined && "no OpenSSL" }, () => {
  const peers: Peer[] = [];
  const reasons: Error[] = [];
  const start = () =>
    listen(
      {
        kv: {
          async range(_request, { peer }) {
            peers.push(peer);
            return create(RangeResponseSchema, { count: 1n });
          },
        },
        watch: {
          async watch(call) {
            call.send(Buffer.alloc(0));
            reasons.push(await aborted(call.context.signal));
          },
        },
      },
      {
        urls: ["https://127.0.0.1:0"],
        tls: { ...certificate, ca: certificate?.cert, requestCert: true, rejectUnauthorized: false },
        namesByCertificate: true,
        timeouts: { helloMs: 200 },
      },
    );
  const trust = { ca: certificate?.cert, ...certificate };

  test("HTTP/1.1 with and without ALPN, and the certificate's name", async () => {
    await using fixture = await start();
    for (const ALPNProtocols of [["http/1.1"], undefined]) {
      const text = await new Promise<string>((resolve, reject) => {
        const options = { ...trust, port: fixture.port, path: "/v3/kv/range", method: "POST", agent: false };
        httpsRequest({ ...options, ...(ALPNProtocols && { ALPNProtocols }) }, (response) =>
          response.on("data", (data) => resolve(String(data))),
        )
          .on("error", reject)
          .end();
      });
      assert.equal(text, '{"count":"1"}');
      assert.equal(peers.pop()?.certificateName, "alice");
    }
  });

  test("gRPC, and JSON over HTTP/2", async () => {
    await using fixture = await start();
    const client = new grpc.Client(
      fixture.address,
      grpc.credentials.createSsl(certificate?.cert, certificate?.key, certificate?.cert),
    );
    const identity = (bytes: Buffer) => bytes;
    const answer = await new Promise<Buffer | undefined>((resolve, reject) => {
      client.makeUnaryRequest(
        "/etcdserverpb.KV/Range",
        identity,
        identity,
        Buffer.alloc(0),
        (error, value) => (error ? reject(error) : resolve(value)),
      );
    });
    assert.equal(answer?.toString("hex"), "2001");
    assert.equal(peers.pop()?.certificateName, "alice");
    client.close();

    const session = connectHttp2(`https://127.0.0.1:${fixture.port}`, { ca: certificate?.cert });
    const stream = session.request({ ":method": "POST", ":path": "/v3/kv/range" });
    stream.end("{}");
    let text = "";
    for await (const chunk of stream) {
      text += chunk;
    }
    assert.equal(text, '{"count":"1"}');
    assert.match(peers.pop()?.address ?? "", /^127\.0\.0\.1:\d+$/);

    const watch = session.request({ ":method": "POST", ":path": "/v3/watch" });
    watch.end('{"create_request":{}}');
    await new Promise((resolve) => watch.once("data", resolve));
    watch.close(constants.NGHTTP2_CANCEL);
    await until(() => reasons.length > 0, "the abort");
    assert.equal(reasons.pop()?.message, "context canceled");
    session.destroy();
  });

  test("half a handshake is closed", async () => {
    await using fixture = await start();
    const hello = await clientHello();
    const wires = [Buffer.alloc(0), hello.subarray(0, 20), hello].map((part) =>
      new Wire(fixture.port).send(part),
    );
    await until(() => wires.every((wire) => wire.closed), "the close");
    assert.equal(fixture.errors.length, 0);
  });

  test("cleartext is closed", async () => {
    await using fixture = await start();
    const wire = new Wire(fixture.port).send(RANGE);
    await until(() => wire.closed, "the close");
  });
});

test("cleartext HTTP/2 that is not gRPC is told so", async () => {
  await using fixture = await listen({});
  const session = connectHttp2(fixture.url);
  const stream = session.request({ ":path": "/version" });
  const headers = await new Promise<Record<string, unknown>>((resolve) => stream.once("response", resolve));
  assert.equal(headers[":status"], 415);
  assert.equal(headers["grpc-message"], 'invalid gRPC request content-type ""');
  session.destroy();
});

/** The first bytes of a TLS client. */
function clientHello(): Promise<Buffer> {
  return new Promise((resolve) => {
    const sink = createServer((socket) => {
      socket.on("error", () => {});
      socket.once("data", (data) => {
        resolve(data);
        socket.destroy();
        sink.close();
      });
    }).listen(0, "127.0.0.1", () => {
      connectTls({ ...(sink.address() as AddressInfo), host: "127.0.0.1" }).on("error", () => {});
    });
  });
}
