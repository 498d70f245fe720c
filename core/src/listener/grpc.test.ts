import assert from "node:assert/strict";
import { connect } from "node:http2";
import { describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { create, type DescMessage, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import * as grpc from "@grpc/grpc-js";
import { Pieces } from "../api/pieces.js";
import type { CallContext, StreamCall } from "../api/service.js";
import { EtcdError, StatusError } from "../errors.js";
import { PutRequestSchema, RangeRequestSchema, RangeResponseSchema } from "../gen/etcdserverpb/kv_pb.js";
import { SnapshotResponseSchema } from "../gen/etcdserverpb/maintenance_pb.js";
import { WatchRequestSchema, WatchResponseSchema } from "../gen/etcdserverpb/watch_pb.js";
import { aborted, type Fixture, listen, until } from "./testing/fixture.js";

const RANGE = "/etcdserverpb.KV/Range";
const WATCH = "/etcdserverpb.Watch/Watch";
const identity = (bytes: Buffer) => bytes;
const bytesOf = <D extends DescMessage>(type: D, init: MessageInitShape<D>) =>
  Buffer.from(toBinary(type, create(type, init)));

class Client implements Disposable {
  private readonly client: grpc.Client;

  constructor({ address }: Fixture) {
    this.client = new grpc.Client(address, grpc.credentials.createInsecure(), {
      "grpc.max_send_message_length": -1,
      "grpc.max_receive_message_length": -1,
    });
  }

  unary(
    path: string,
    request: Buffer,
    metadata: Record<string, string> = {},
    timeoutMs = 5_000,
  ): Promise<Buffer> {
    const sent = new grpc.Metadata();
    for (const [name, value] of Object.entries(metadata)) {
      sent.add(name, value);
    }
    return new Promise((resolve, reject) => {
      const options = { deadline: Date.now() + timeoutMs };
      this.client.makeUnaryRequest(path, identity, identity, request, sent, options, (error, value) =>
        error ? reject(error) : resolve(value as Buffer),
      );
    });
  }

  stream(path: string, options: grpc.CallOptions = {}) {
    const call = this.client.makeBidiStreamRequest(path, identity, identity, options);
    call.on("error", () => {});
    return call;
  }

  [Symbol.dispose](): void {
    this.client.close();
  }
}

function statusOf(call: grpc.ClientDuplexStream<Buffer, Buffer>): Promise<grpc.StatusObject> {
  return new Promise((resolve) => call.once("status", resolve));
}

describe("unary calls", () => {
  test("a message in, a message out", async () => {
    await using fixture = await listen({
      kv: {
        range: async ({ key }, { transport, peer }) => {
          assert.equal(transport, "grpc");
          assert.match(peer.address, /^127\.0\.0\.1:\d+$/);
          return create(RangeResponseSchema, { kvs: [{ key }], count: 1n });
        },
      },
    });
    using client = new Client(fixture);
    const answer = await client.unary(RANGE, bytesOf(RangeRequestSchema, { key: Buffer.from("a") }));
    assert.equal(Buffer.from(fromBinary(RangeResponseSchema, answer).kvs[0]?.key ?? []).toString(), "a");
  });

  test("finished bytes go out as they are", async () => {
    const bytes = Buffer.from([0x20, 7, 0x18, 1]); // fields out of order: no encoder's work
    await using fixture = await listen({ kv: { range: async () => bytes } });
    using client = new Client(fixture);
    assert.deepEqual(await client.unary(RANGE, Buffer.alloc(0)), bytes);
  });

  test("so do finished bytes in pieces", async () => {
    const buffers = [Buffer.from([0x20, 7]), Buffer.alloc(100_000, "\x18\x01"), Buffer.from([0x20, 8])];
    const messageBytes = { received: 0, sent: 0 };
    await using fixture = await listen({ kv: { range: async () => new Pieces(buffers) } }, { messageBytes });
    using client = new Client(fixture);
    assert.deepEqual(await client.unary(RANGE, Buffer.alloc(0)), Buffer.concat(buffers));
    assert.equal(messageBytes.sent, 100_004);
  });

  test("metadata by its name, the last value", async () => {
    const seen: (string | undefined)[] = [];
    await using fixture = await listen({
      kv: {
        range: async (_request, { metadata }: CallContext) =>
          create(RangeResponseSchema, { count: BigInt(typeof metadata === "function") }),
        put: async (_request, context) => {
          seen.push(context.metadata("token"), context.metadata("absent"));
          throw new EtcdError("noSpace");
        },
      },
    });
    using client = new Client(fixture);
    await assert.rejects(client.unary("/etcdserverpb.KV/Put", Buffer.alloc(0), { token: "abc" }), {
      code: 8,
      details: "etcdserver: mvcc: database space exceeded",
    });
    assert.deepEqual(seen, ["abc", undefined]);
  });

  test("errors that are none of the client's business are logged instead", async () => {
    await using fixture = await listen({
      kv: {
        range: async () => {
          throw new Error("secret");
        },
        put: () => {
          throw new StatusError(14, "100 % é", { cause: new Error("secret") });
        },
      },
    });
    using client = new Client(fixture);
    await assert.rejects(client.unary(RANGE, Buffer.alloc(0)), (error: grpc.ServiceError) => {
      assert.equal(error.code, 2);
      assert.doesNotMatch(error.details, /secret/);
      return true;
    });
    assert.deepEqual(fixture.errors, ["call failed: secret"]);
    await assert.rejects(client.unary("/etcdserverpb.KV/Put", Buffer.alloc(0)), {
      code: 14,
      details: "100 % é",
    });
  });

  test("errors of the protocol are worded as etcd's", async () => {
    await using fixture = await listen({}, { maxReceiveBytes: 1_000 });
    using client = new Client(fixture);
    const cases: [string, Buffer, number, string][] = [
      [RANGE, Buffer.from([10, 5, 97]), 13, "grpc: error unmarshalling request: unexpected EOF"],
      ["/etcdserverpb.KV/Nope", Buffer.alloc(0), 12, "unknown method Nope for service etcdserverpb.KV"],
      ["/no.Such/Range", Buffer.alloc(0), 12, "unknown service no.Such"],
      ["/nope", Buffer.alloc(0), 12, 'malformed method name: "/nope"'],
      [RANGE, Buffer.alloc(1_001), 8, "grpc: received message larger than max (1001 vs. 1000)"],
      [RANGE, Buffer.alloc(50_000_000), 8, "grpc: received message larger than max (50000000 vs. 1000)"],
    ];
    for (const [path, bytes, code, details] of cases) {
      await assert.rejects(client.unary(path, bytes), { code, details });
    }
    const value = bytesOf(PutRequestSchema, { value: Buffer.alloc(996) });
    assert.equal(value.length, 999);
    await client.unary("/etcdserverpb.KV/Put", value);

    const empty = client.stream(RANGE);
    empty.end();
    assert.deepEqual(await statusOf(empty).then(({ code, details }) => [code, details]), [2, "EOF"]);
    const snapshot = client.stream("/etcdserverpb.Maintenance/Snapshot");
    snapshot.end();
    assert.equal((await statusOf(snapshot)).code, 0, "its handler took no request");
  });

  test("responses are of any size", async () => {
    await using fixture = await listen({ kv: { range: async () => Buffer.alloc(20_000_000) } });
    using client = new Client(fixture);
    assert.equal((await client.unary(RANGE, Buffer.alloc(0))).length, 20_000_000);
  });

  test("the signal tells of a deadline and of a client that cancels", async () => {
    const reasons: Error[] = [];
    let entered = 0;
    await using fixture = await listen({
      kv: {
        range: async (_request, { signal }) => {
          entered += 1;
          reasons.push(await aborted(signal));
          throw signal.reason;
        },
      },
    });
    using client = new Client(fixture);
    // Not grpc-js: its client cancels when its own clock says so.
    const session = connect(fixture.url);
    const late = session.request({
      ":method": "POST",
      ":path": RANGE,
      "content-type": "application/grpc",
      "grpc-timeout": "50m",
      te: "trailers",
    });
    late.end(Buffer.alloc(5));
    const trailers = await new Promise<Record<string, unknown>>((resolve) => late.once("response", resolve));
    assert.equal(trailers["grpc-status"], "4");
    assert.equal(decodeURI(String(trailers["grpc-message"])), "context deadline exceeded");
    session.destroy();
    await until(() => reasons.length === 1, "the abort");
    assert.deepEqual(reasons.pop(), new StatusError(4, "context deadline exceeded"));
    const call = client.stream(RANGE);
    call.end(Buffer.alloc(0));
    await until(() => entered === 2, "the call");
    call.cancel();
    await until(() => reasons.length === 1, "the abort");
    assert.deepEqual(reasons.pop(), new StatusError(1, "context canceled"));
    assert.deepEqual(fixture.errors, []);
  });
});

describe("streams", () => {
  const progress = bytesOf(WatchRequestSchema, { requestUnion: { case: "progressRequest", value: {} } });

  test("requests as they come, answers at once, and an end after the client's", async () => {
    await using fixture = await listen({
      watch: {
        watch: async (call) => {
          let count = 0n;
          for await (const { requestUnion } of call.requests) {
            assert.equal(requestUnion.case, "progressRequest");
            call.send(create(WatchResponseSchema, { watchId: ++count }));
          }
          call.send(create(WatchResponseSchema, { watchId: -1n }));
        },
      },
    });
    using client = new Client(fixture);
    const call = client.stream(WATCH);
    const ids: bigint[] = [];
    call.on("data", (bytes: Buffer) => ids.push(fromBinary(WatchResponseSchema, bytes).watchId));
    for (let n = 1; n <= 3; n++) {
      call.write(progress);
      await until(() => ids.length === n, "the answer");
    }
    call.end();
    assert.equal((await statusOf(call)).code, 0);
    assert.deepEqual(ids, [1n, 2n, 3n, -1n]);
  });

  test("a handler goes on sending after the client's end, and after it stopped reading", async () => {
    await using fixture = await listen({
      watch: {
        watch: async (call) => {
          for await (const _request of call.requests) {
            break;
          }
          await sleep(30);
          call.send(create(WatchResponseSchema, { created: true }));
          throw new EtcdError("watchCanceled");
        },
      },
    });
    using client = new Client(fixture);
    const call = client.stream(WATCH);
    const received: Buffer[] = [];
    call.on("data", (bytes: Buffer) => received.push(bytes));
    call.end(progress);
    const { code, details } = await statusOf(call);
    assert.deepEqual([code, details], [1, "etcdserver: watch canceled"]);
    assert.equal(received.length, 1);
  });

  test("requests end with an error when the client cancels", async () => {
    const ends: unknown[] = [];
    await using fixture = await listen({
      watch: {
        watch: async (call) => {
          try {
            for await (const _request of call.requests) {
              call.send(Buffer.alloc(0));
            }
          } catch (error) {
            ends.push(error, call.context.signal.reason, call.send(Buffer.alloc(0)));
            throw error;
          }
        },
      },
    });
    using client = new Client(fixture);
    const call = client.stream(WATCH);
    call.write(progress);
    await new Promise((resolve) => call.once("data", resolve));
    call.cancel();
    await until(() => ends.length > 0, "the end");
    const canceled = new StatusError(1, "context canceled");
    assert.deepEqual(ends, [canceled, canceled, false]);
    assert.deepEqual(fixture.errors, []);
  });

  test("a request that cannot be read", async () => {
    await using fixture = await listen({
      watch: {
        watch: async (call) => {
          for await (const _request of call.requests) {
            // nothing to do
          }
        },
      },
    });
    using client = new Client(fixture);
    const call = client.stream(WATCH);
    call.write(Buffer.from([10, 5, 97]));
    const { code, details } = await statusOf(call);
    assert.deepEqual([code, details], [13, "grpc: failed to unmarshal the received message: unexpected EOF"]);
  });

  test("one response on many calls", async () => {
    const calls: StreamCall[] = [];
    await using fixture = await listen({
      watch: {
        watch: async (call) => {
          calls.push(call);
          await aborted(call.context.signal);
        },
      },
    });
    using client = new Client(fixture);
    const received: Buffer[] = [];
    for (let i = 0; i < 20; i++) {
      client.stream(WATCH).on("data", (bytes: Buffer) => received.push(bytes));
    }
    await until(() => calls.length === 20, "the calls");
    const shared = bytesOf(WatchResponseSchema, { watchId: 5n });
    for (const call of calls) {
      call.send(shared);
    }
    await until(() => received.length === 20, "the messages");
    assert.ok(received.every((bytes) => bytes.equals(shared)));
  });

  for (const [size, most] of [
    [1024, 200],
    [700 * 1024, 4],
  ] as const) {
    test(`a client that does not read ${size} bytes each stops the sender`, async () => {
      let sent = 0;
      let drained = 0;
      await using fixture = await listen({
        maintenance: {
          snapshot: async (call) => {
            const message = bytesOf(SnapshotResponseSchema, { blob: Buffer.alloc(size) });
            while (sent < 1_000) {
              const drain = new Promise<void>((resolve) => call.onDrain(resolve));
              sent += 1;
              if (!call.send(message)) {
                await drain;
                drained += 1;
              }
            }
          },
        },
      });
      // Not grpc-js: its client reads on when nobody takes the messages.
      const session = connect(fixture.url);
      const call = session.request({
        ":method": "POST",
        ":path": "/etcdserverpb.Maintenance/Snapshot",
        "content-type": "application/grpc",
        te: "trailers",
      });
      call.pause();
      call.end(Buffer.alloc(5));
      await sleep(300);
      const stalledAt = sent;
      assert.ok(sent <= most, `${sent} were sent`);
      call.resume();
      await until(() => sent > stalledAt + 20, "the rest");
      assert.ok(drained > 0);
      session.destroy();
    });
  }
});
