/** What broken and hostile clients send: etcd's error or a closed connection, and the server lives on. */
import assert from "node:assert/strict";
import http from "node:http";
import http2 from "node:http2";
import net from "node:net";
import { after, before, describe, test } from "node:test";
import { KV } from "@etcd-adapter/core/proto/etcdserverpb/kv_pb";
import { type AdapterProcess, startAdapterProcess } from "../adapter/start.js";
import { GrpcClient, RpcError } from "../client/grpc-client.js";
import { openFiles, residentBytes } from "./resident.js";

describe("malformed input", () => {
  let adapter: AdapterProcess;
  let client: GrpcClient;

  before(async () => {
    adapter = await startAdapterProcess("memory:");
    client = new GrpcClient(adapter.address);
  });
  after(async () => {
    client.close();
    await adapter.stop();
  });

  async function stillServes(): Promise<void> {
    assert.ok(adapter.isRunning);
    const answer = await client.unary(KV.method.range, { key: Buffer.from("x") });
    assert.ok(answer.header);
  }

  /** Sends bytes and waits until the server closes; gives what it answered. */
  function raw(bytes: Buffer, timeoutMs = 30_000): Promise<string> {
    return new Promise((resolve, reject) => {
      const socket = net.connect(adapter.port, "127.0.0.1", () => socket.write(bytes));
      let answer = "";
      const timer = setTimeout(() => {
        socket.destroy();
        reject(new Error(`the connection is still open; it said ${JSON.stringify(answer)}`));
      }, timeoutMs);
      socket.on("data", (chunk) => {
        answer += chunk.toString("latin1");
      });
      socket.on("error", () => {});
      socket.on("close", () => {
        clearTimeout(timer);
        resolve(answer);
      });
    });
  }

  test("garbage on the port is answered with a closed connection", async () => {
    await raw(Buffer.from("\x00\x01\x02garbage\r\n\r\n", "latin1"));
    await raw(Buffer.from("PRI * HTTP/2.0\r\n\r\nnot the preface at all", "latin1"));
    await raw(Buffer.alloc(1_000_000, 0xff));
    await stillServes();
  });

  test("half a TLS hello on the plaintext port", async () => {
    await raw(Buffer.from("16030100f8010000f40303", "hex"));
    await stillServes();
  });

  test("a client that says nothing, or half a method, is let go of in time", async () => {
    await Promise.all([raw(Buffer.alloc(0)), raw(Buffer.from("PO"))]);
    await stillServes();
  });

  test("a JSON body of 100 MB is refused without being kept", async () => {
    const before = residentBytes(adapter.pid);
    const status = await new Promise<number | string>((resolve) => {
      const request = http.request(`${adapter.url}/v3/kv/put`, { method: "POST" }, (response) => {
        response.resume();
        resolve(response.statusCode!);
      });
      request.on("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
      const chunk = Buffer.alloc(1024 * 1024, "a");
      let left = 100;
      const write = (): void => {
        while (left-- > 0) if (!request.write(chunk)) return void request.once("drain", write);
        request.end();
      };
      request.write('{"key":"');
      write();
    });
    assert.ok([400, 413, 429, "ECONNRESET", "EPIPE"].includes(status), String(status));
    assert.ok(residentBytes(adapter.pid) - before < 64 * 1024 * 1024);
    await stillServes();
  });

  test("a gRPC message above the limit", async () => {
    await assert.rejects(
      client.unary(KV.method.put, { key: Buffer.from("k"), value: Buffer.alloc(3 * 1024 * 1024) }),
      (error) =>
        error instanceof RpcError &&
        error.code === 8 &&
        /received message larger than max \(\d+ vs\. 2097152\)/.test(error.details),
    );
    await assert.rejects(
      client.unary(KV.method.put, { key: Buffer.from("k"), value: Buffer.alloc(1_700_000) }),
      (error) =>
        error instanceof RpcError && error.code === 3 && error.details === "etcdserver: request is too large",
    );
    await stillServes();
  });

  /** A unary call with any bytes as its message. */
  function call(path: string, message: Buffer): Promise<{ status: string; text: string }> {
    return new Promise((resolve, reject) => {
      const session = http2.connect(adapter.url);
      const stream = session.request({
        ":method": "POST",
        ":path": path,
        "content-type": "application/grpc",
        te: "trailers",
      });
      const outcome = { status: "", text: "" };
      const note = (headers: http2.IncomingHttpHeaders): void => {
        outcome.status = String(headers["grpc-status"] ?? outcome.status);
        outcome.text = String(headers["grpc-message"] ?? outcome.text);
      };
      stream.on("response", note);
      stream.on("trailers", note);
      stream.on("error", reject);
      stream.on("close", () => {
        session.close();
        resolve(outcome);
      });
      stream.resume();
      const frame = Buffer.alloc(5 + message.length);
      frame.writeUInt32BE(message.length, 1);
      message.copy(frame, 5);
      stream.end(frame);
    });
  }

  test("invalid protobuf", async () => {
    for (const message of ["ff", "0aff", "0a05aa", "08ffffffffffffffffffffff"]) {
      const answer = await call("/etcdserverpb.KV/Put", Buffer.from(message, "hex"));
      assert.equal(answer.status, "13", message);
    }
    assert.equal((await call("/etcdserverpb.KV/Nothing", Buffer.alloc(0))).status, "12");
    assert.equal((await call("/no.Such/Service", Buffer.alloc(0))).status, "12");
    await stillServes();
  });

  test("a request that is not gRPC, cancelled in the same breath", async () => {
    for (let round = 0; round < 30; round++) {
      const session = http2.connect(adapter.url);
      session.on("error", () => {});
      // Before there is a connection, so that all of it is sent at once.
      const stream = session.request({ ":method": "POST", ":path": "/x", "content-type": "text/plain" });
      stream.on("error", () => {});
      stream.close(http2.constants.NGHTTP2_CANCEL);
      await new Promise((resolve) => setTimeout(resolve, 15));
      session.close();
    }
    await stillServes();
  });

  test("numbers below zero are etcd's to read, not to crash on", async () => {
    await client.unary(KV.method.put, { key: Buffer.from("n"), value: Buffer.from("1") });
    const answer = await client.unary(KV.method.range, { key: Buffer.from("n"), limit: -5n, revision: -3n });
    assert.equal(answer.kvs.length, 1);
    const filtered = await client.unary(KV.method.range, { key: Buffer.from("n"), maxModRevision: -1n });
    assert.equal(filtered.kvs.length, 0);
  });

  test("a thousand broken connections leave nothing behind", async () => {
    const before = openFiles(adapter.pid);
    for (let round = 0; round < 10; round++) {
      await Promise.all(
        Array.from({ length: 100 }, (_, index) => {
          return new Promise<void>((resolve) => {
            const socket = net.connect(adapter.port, "127.0.0.1", () => {
              socket.write(
                ["P", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "POST /v3/watch HTTP/1.1\r\n", "\x16\x03"][
                  index % 4
                ]!,
              );
              setTimeout(() => {
                socket.resetAndDestroy();
                resolve();
              }, 10);
            });
            socket.on("error", () => resolve());
          });
        }),
      );
    }
    await new Promise((resolve) => setTimeout(resolve, 500));
    assert.ok(
      openFiles(adapter.pid) <= before + 10,
      `${openFiles(adapter.pid)} files are open, ${before} were`,
    );
    await stillServes();
  });
});
