import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { create, toBinary } from "@bufbuild/protobuf";
import type { StreamCall } from "../api/service.js";
import { EtcdError, StatusError } from "../errors.js";
import { LeaseKeepAliveResponseSchema } from "../gen/etcdserverpb/lease_pb.js";
import { SnapshotResponseSchema } from "../gen/etcdserverpb/maintenance_pb.js";
import { WatchResponseSchema } from "../gen/etcdserverpb/watch_pb.js";
import { aborted, call, type Handling, listen, post, until, Wire } from "./testing/fixture.js";

const created = (id = 0n) => create(WatchResponseSchema, { created: true, watchId: id });

/** Answers each request, and lives until its signal is aborted, as watch does. */
const patient: Handling["watch"] = {
  watch: async (call) => {
    const end = aborted(call.context.signal);
    const read = async () => {
      for await (const { requestUnion } of call.requests) {
        call.send(created(requestUnion.case === "createRequest" ? requestUnion.value.watchId : -1n));
      }
      await end;
    };
    await Promise.race([read(), end]);
    throw new EtcdError("watchCanceled");
  },
};

const keepAlive: Handling["lease"] = {
  leaseKeepAlive: async (call) => {
    for await (const { ID } of call.requests) {
      call.send(create(LeaseKeepAliveResponseSchema, { ID }));
    }
  },
};

describe("streams", () => {
  test("the first answer comes at once, and the call outlives its body", async () => {
    await using fixture = await listen({ watch: patient });
    const started = performance.now();
    const wire = new Wire(fixture.port).send(post("/v3/watch", '{"create_request":{"watch_id":7}}'));
    const text = await wire.receive("\n\r\n");
    assert.ok(performance.now() - started < 2_000);
    assert.match(text, /^HTTP\/1.1 200 OK\r\n/);
    assert.match(text, /\r\nTransfer-Encoding: chunked\r\n/);
    assert.match(text, /\r\nGrpc-Metadata-Content-Type: application\/grpc\r\n/);
    assert.match(text, /\r\n\{"result":\{"watch_id":"7","created":true\}\}\n\r\n$/);
    await sleep(50);
    assert.equal(wire.closed, false);
    wire.socket.destroy();
  });

  test("a client's close aborts the signal at once", async () => {
    const calls: StreamCall[] = [];
    await using fixture = await listen({
      watch: {
        watch: async (call) => {
          calls.push(call);
          await patient.watch?.(call as never);
        },
      },
    });
    const wire = new Wire(fixture.port).send(post("/v3/watch", '{"create_request":{}}'));
    await wire.receive("created");
    wire.socket.destroy();
    await until(() => calls[0]?.context.signal.aborted === true, "the abort");
    assert.deepEqual(calls[0]?.context.signal.reason, new StatusError(1, "context canceled"));
    assert.equal(calls[0]?.send(created() as never), false);
    assert.deepEqual(fixture.errors, []);
  });

  test("requests follow one another in a body, and are answered as they come", async () => {
    await using fixture = await listen({ watch: patient, lease: keepAlive });
    const line = (id: string) => `{"result":{"ID":"${id}"}}\n`;
    const several = await call(fixture.url, "/v3/lease/keepalive", '{"ID":"1"}{"ID":2}\n {"ID":"3"}');
    assert.equal(several.text, line("1") + line("2") + line("3"));

    const wire = new Wire(fixture.port);
    wire.send("POST /v3/lease/keepalive HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
    wire.send('5\r\n{"ID"\r\n');
    await sleep(20);
    wire.send('9\r\n:"11"}{"I\r\n');
    await wire.receive('"ID":"11"');
    wire.send('5\r\nD":12\r\n', "1\r\n}\r\n");
    await wire.receive('"ID":"12"');
    wire.send("0\r\n\r\n");
    await wire.receive("\r\n0\r\n\r\n");
    await wire.send(post("/v3/kv/range", "")).receive(/0\r\n\r\nHTTP\/1.1 200 OK/);
    wire.socket.destroy();
  });

  test("a value that cannot be read ends the requests, not the call", async () => {
    await using fixture = await listen({ watch: patient, lease: keepAlive });
    const answer = await call(fixture.url, "/v3/lease/keepalive", '{"ID":"1"} x');
    assert.deepEqual([answer.status, answer.text], [200, '{"result":{"ID":"1"}}\n']);
    const wire = new Wire(fixture.port).send(post("/v3/watch", '{"create_request":{}}{"create_request":5}'));
    await wire.receive("created");
    await sleep(100);
    assert.equal(wire.closed, false);
    assert.doesNotMatch(wire.received, /error|\r\n0\r\n/);
    wire.socket.destroy();
  });

  test("without a request: 400 where the handler would wait for ever", async () => {
    await using fixture = await listen({ watch: patient, lease: keepAlive });
    const cases: [string, string][] = [
      ["", "the request's body holds no JSON object"],
      ["x", "invalid character 'x' looking for beginning of value"],
      ['{"create_request"', "unexpected EOF"],
      ["[]", "proto: syntax error (line 1:1): unexpected token ["],
    ];
    for (const [body, message] of cases) {
      const watch = await call(fixture.url, "/v3/watch", body);
      assert.deepEqual(
        [watch.status, watch.text],
        [400, `{"error":"${message}","code":3,"message":"${message}"}`],
      );
      const lease = await call(fixture.url, "/v3/lease/keepalive", body);
      assert.deepEqual([lease.status, lease.text], [200, ""]);
    }
  });

  test("errors before and after the first message", async () => {
    let sends = 0;
    await using fixture = await listen({
      watch: {
        watch: async (call) => {
          for (let i = 0; i < sends; i++) {
            call.send(created(BigInt(i)));
          }
          throw new EtcdError("noLeader");
        },
      },
    });
    const error =
      '{"error":{"grpc_code":14,"http_code":503,"code":14,"message":"etcdserver: no leader","http_status":"Service Unavailable"}}\n';
    const early = await call(fixture.url, "/v3/watch", "{}");
    assert.deepEqual([early.status, early.text], [503, error]);
    sends = 1;
    const late = await call(fixture.url, "/v3/watch", "{}");
    assert.deepEqual([late.status, late.text], [200, `{"result":{"created":true}}\n${error}`]);
  });

  test("a deadline ends a stream with an error", async () => {
    await using fixture = await listen({ watch: patient });
    const { status, text } = await call(fixture.url, "/v3/watch", '{"create_request":{}}', {
      "Grpc-Timeout": "50m",
    });
    assert.equal(status, 200);
    assert.match(text, /created.*\n\{"error":\{"grpc_code":4,"http_code":504,.*"context deadline exceeded"/);
  });

  test("a call with one request takes an empty body, and refuses a bad one", async () => {
    await using fixture = await listen({
      maintenance: {
        snapshot: async (call) => {
          for await (const _request of call.requests) {
            call.send(create(SnapshotResponseSchema, { version: "3.6" }));
          }
        },
      },
    });
    const snapshot = await call(fixture.url, "/v3/maintenance/snapshot", "");
    assert.equal(snapshot.text, '{"result":{"version":"3.6"}}\n');
    const bad = await call(fixture.url, "/v3/maintenance/snapshot", "[");
    assert.deepEqual(
      [bad.status, bad.text],
      [400, '{"error":"unexpected EOF","code":3,"message":"unexpected EOF"}'],
    );
  });

  test("one finished response on many calls", async () => {
    const calls: StreamCall[] = [];
    await using fixture = await listen({
      watch: {
        watch: async (call) => {
          calls.push(call as never);
          await aborted(call.context.signal);
        },
      },
    });
    const wires = Array.from({ length: 20 }, () => new Wire(fixture.port).send(post("/v3/watch", "{}")));
    await until(() => calls.length === 20, "the calls");
    const shared = Buffer.from(toBinary(WatchResponseSchema, created(5n)));
    for (const watcher of calls) {
      watcher.send(shared);
    }
    for (const wire of wires) {
      await wire.receive('{"result":{"watch_id":"5","created":true}}\n');
      wire.socket.destroy();
    }
  });

  test("a client that does not read stops the sender", async () => {
    let sent = 0;
    let drained = 0;
    await using fixture = await listen({
      watch: {
        watch: async (call) => {
          const message = create(WatchResponseSchema, { cancelReason: "x".repeat(10_000) });
          while (sent < 20_000 && !call.context.signal.aborted) {
            const drain = new Promise<void>((resolve) => call.onDrain(resolve));
            sent += 1;
            if (!call.send(message)) {
              await Promise.race([drain, aborted(call.context.signal)]);
              drained += 1;
            }
          }
        },
      },
    });
    const wire = new Wire(fixture.port);
    wire.socket.pause();
    wire.send(post("/v3/watch", "{}"));
    await sleep(300);
    const stalledAt = sent;
    assert.ok(stalledAt < 2_000, `${sent} were sent`);
    await sleep(100);
    assert.equal(sent, stalledAt);
    wire.socket.resume();
    await until(() => sent > stalledAt + 100, "the rest");
    assert.ok(drained > 0);
    wire.socket.destroy();
  });
});
