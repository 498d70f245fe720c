import assert from "node:assert/strict";
import http2 from "node:http2";
import { test } from "node:test";
import { create, toBinary } from "@bufbuild/protobuf";
import { KV } from "@etcd-adapter/core/proto/etcdserverpb/kv_pb";
import { WatchRequestSchema } from "@etcd-adapter/core/proto/etcdserverpb/watch_pb";
import { startAdapterProcess } from "../adapter/start.js";
import { GrpcClient } from "../client/grpc-client.js";
import { residentBytes } from "../protocol/resident.js";

const PUTS = 1_500;
const VALUE_BYTES = 64 * 1024;
const STALLED = 20;

/** A watch on everything by a client that never reads a byte of what it is sent. */
function stalledWatch(url: string): http2.ClientHttp2Session {
  const session = http2.connect(url);
  session.on("error", () => {});
  const stream = session.request({
    ":method": "POST",
    ":path": "/etcdserverpb.Watch/Watch",
    "content-type": "application/grpc",
    te: "trailers",
  });
  stream.on("error", () => {});
  stream.pause();
  const message = toBinary(
    WatchRequestSchema,
    create(WatchRequestSchema, {
      requestUnion: {
        case: "createRequest",
        value: { key: Buffer.from([0]), rangeEnd: Buffer.from([0]), prevKv: true },
      },
    }),
  );
  const frame = Buffer.alloc(5 + message.length);
  frame.writeUInt32BE(message.length, 1);
  frame.set(message, 5);
  stream.write(frame);
  return session;
}

test("clients that never read cost bounded memory, and nobody else anything", async (t) => {
  const adapter = await startAdapterProcess("sqlite:");
  const client = new GrpcClient(adapter.address);
  const sessions = Array.from({ length: STALLED }, () => stalledWatch(adapter.url));
  try {
    const value = Buffer.alloc(VALUE_BYTES, "v");
    const putMany = async (count: number): Promise<void> => {
      for (let put = 0; put < count; put += 10) {
        await Promise.all(
          Array.from({ length: 10 }, (_, index) =>
            client.unary(KV.method.put, { key: Buffer.from(`k${index}`), value }),
          ),
        );
      }
    };
    // By then every buffer that has a bound is full.
    await putMany(PUTS);
    const before = residentBytes(adapter.pid);
    await putMany(PUTS);
    const grown = residentBytes(adapter.pid) - before;
    const megabytes = (bytes: number): string => `${Math.round(bytes / 1e6)} MB`;
    t.diagnostic(
      `${STALLED} stalled watches: resident ${megabytes(before)} after ${megabytes(PUTS * VALUE_BYTES)} of events, ` +
        `${megabytes(grown)} more after as many again`,
    );
    assert.ok(before < 450e6, `${before} bytes`);
    assert.ok(grown < 60e6, `${grown} bytes`);
    const started = performance.now();
    await client.unary(KV.method.range, { key: Buffer.from("k1") });
    assert.ok(performance.now() - started < 5_000);
  } finally {
    for (const session of sessions) session.destroy();
    client.close();
    await adapter.stop();
  }
});
