import assert from "node:assert/strict";
import { connect } from "node:http2";
import { describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { create } from "@bufbuild/protobuf";
import * as grpc from "@grpc/grpc-js";
import { EtcdError } from "../errors.js";
import { RangeResponseSchema } from "../gen/etcdserverpb/kv_pb.js";
import { aborted, type Handling, listen, post, until, Wire } from "./testing/fixture.js";

const identity = (bytes: Buffer) => bytes;

const watch: Handling["watch"] = {
  watch: async (call) => {
    call.send(Buffer.alloc(0));
    await aborted(call.context.signal);
    throw new EtcdError("watchCanceled");
  },
};

async function took(work: Promise<void>): Promise<number> {
  const start = performance.now();
  await work;
  return performance.now() - start;
}

describe("closing", () => {
  test("with idle and silent connections is done at once", async () => {
    const fixture = await listen({});
    const idle = new Wire(fixture.port).send(post("/v3/kv/range", ""));
    await idle.receive("200 OK");
    const silent = new Wire(fixture.port);
    const session = connect(fixture.url);
    await new Promise((resolve) => session.once("remoteSettings", resolve));
    assert.ok((await took(fixture.listener.close(10_000))) < 3_000);
    await until(() => idle.closed && silent.closed && session.closed, "the close");
    assert.ok((await took(fixture.listener.close(10_000))) < 1_000, "a second close");
    await assert.rejects(fetch(fixture.url));
  });

  test("ends streams with a status that makes clients go elsewhere", async () => {
    const fixture = await listen({ watch });
    const client = new grpc.Client(fixture.address, grpc.credentials.createInsecure());
    const call = client.makeBidiStreamRequest("/etcdserverpb.Watch/Watch", identity, identity);
    call.on("error", () => {});
    const status = new Promise<grpc.StatusObject>((resolve) => call.once("status", resolve));
    await new Promise((resolve) => call.once("data", resolve));
    const wire = new Wire(fixture.port).send(post("/v3/watch", "{}"));
    await wire.receive("result");
    assert.ok((await took(fixture.listener.close(10_000))) < 3_000);
    const { code, details } = await status;
    assert.deepEqual([code, details], [14, "etcdserver: server stopped"]);
    assert.match(wire.received, /"http_code":503,.*"etcdserver: server stopped".*\r\n0\r\n\r\n$/s);
    client.close();
  });

  test("lets calls finish", async () => {
    let running = 0;
    const fixture = await listen({
      kv: {
        range: async () => {
          running += 1;
          await sleep(300);
          return create(RangeResponseSchema, { count: 1n });
        },
      },
    });
    const client = new grpc.Client(fixture.address, grpc.credentials.createInsecure());
    const answer = new Promise<Buffer | undefined>((resolve, reject) => {
      client.makeUnaryRequest(
        "/etcdserverpb.KV/Range",
        identity,
        identity,
        Buffer.alloc(0),
        (error, value) => (error ? reject(error) : resolve(value)),
      );
    });
    const wire = new Wire(fixture.port).send(post("/v3/kv/range", ""));
    await until(() => running === 2, "the calls");
    const ms = await took(fixture.listener.close(10_000));
    assert.ok(ms > 200 && ms < 5_000, `${ms} ms`);
    assert.equal((await answer)?.length, 2);
    assert.match(wire.received, /\{"count":"1"\}$/);
    client.close();
  });

  test("waits for the grace time alone", async () => {
    const signals: AbortSignal[] = [];
    const fixture = await listen({
      kv: {
        range: (_request, { signal }) => {
          signals.push(signal);
          return new Promise(() => {});
        },
      },
      watch: { watch: () => new Promise(() => {}) },
    });
    const client = new grpc.Client(fixture.address, grpc.credentials.createInsecure());
    for (const path of ["/etcdserverpb.KV/Range", "/etcdserverpb.Watch/Watch"]) {
      const call = client.makeBidiStreamRequest(path, identity, identity);
      call.on("error", () => {});
      call.end(Buffer.alloc(0));
    }
    const wires = ["/v3/kv/range", "/v3/watch"].map((path) => new Wire(fixture.port).send(post(path, "{}")));
    await until(() => signals.length === 2, "the calls");
    const ms = await took(fixture.listener.close(200));
    assert.ok(ms >= 190 && ms < 5_000, `${ms} ms`);
    await until(
      () => wires.every((wire) => wire.closed) && signals.every(({ aborted }) => aborted),
      "the end",
    );
    client.close();
  });
});
