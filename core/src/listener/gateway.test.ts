import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { create, toBinary } from "@bufbuild/protobuf";
import type { StreamCall } from "../api/service.js";
import { EtcdError, StatusError } from "../errors.js";
import {
  CompactionResponseSchema,
  PutResponseSchema,
  RangeResponseSchema,
} from "../gen/etcdserverpb/kv_pb.js";
import { LeaseKeepAliveResponseSchema } from "../gen/etcdserverpb/lease_pb.js";
import { SnapshotResponseSchema } from "../gen/etcdserverpb/maintenance_pb.js";
import { WatchResponseSchema } from "../gen/etcdserverpb/watch_pb.js";
import { aborted, type Handling, listen, post, until, Wire } from "./testing/fixture.js";

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

async function call(url: string, path: string, body: string | Buffer, headers: Record<string, string> = {}) {
  const response = await fetch(url + path, { method: "POST", body, headers });
  return { status: response.status, headers: response.headers, text: await response.text() };
}

describe("unary calls", () => {
  test("JSON in, JSON out, on every path of a method and its older prefix", async () => {
    await using fixture = await listen({
      kv: { range: async ({ key }) => create(RangeResponseSchema, { kvs: [{ key }], count: 1n }) },
    });
    for (const path of ["/v3/kv/range", "/v3beta/kv/range", "/v3/kv/range?key=x", "/v3/kv/%72ange"]) {
      const { status, text, headers } = await call(fixture.url, path, '{"key":"YQ=="}');
      assert.equal(status, 200);
      assert.equal(text, '{"kvs":[{"key":"YQ=="}],"count":"1"}');
      assert.equal(headers.get("content-type"), "application/json");
      assert.equal(headers.get("grpc-metadata-content-type"), "application/grpc");
      assert.equal(headers.get("access-control-allow-origin"), "*");
    }
    assert.equal((await call(fixture.url, "/v3/kv/lease/leases", "")).text, "{}");
  });

  test("finished bytes become JSON", async () => {
    const bytes = Buffer.from(toBinary(RangeResponseSchema, create(RangeResponseSchema, { count: 3n })));
    await using fixture = await listen({ kv: { range: async () => bytes } });
    assert.equal((await call(fixture.url, "/v3/kv/range", "")).text, '{"count":"3"}');
  });

  test("headers are metadata", async () => {
    const names = ["authorization", "token", "grpcgateway-user-agent", "host", "absent"];
    const seen: (string | undefined)[] = [];
    await using fixture = await listen({
      kv: {
        range: async (_request, context) => {
          assert.equal(context.transport, "gateway");
          assert.match(context.peer.address, /^127\.0\.0\.1:\d+$/);
          seen.push(...names.map((name) => context.metadata(name)));
          return create(RangeResponseSchema);
        },
      },
    });
    await call(fixture.url, "/v3/kv/range", "", {
      Authorization: "a.1",
      "Grpc-Metadata-Token": "t",
      "User-Agent": "u",
    });
    assert.deepEqual(seen, ["a.1", "t", "u", undefined, undefined]);
  });

  test("errors have the mapped status and all the fields that clients know", async () => {
    const codes: [number, number][] = [
      [1, 499],
      [2, 500],
      [3, 400],
      [4, 504],
      [5, 404],
      [6, 409],
      [7, 403],
      [8, 429],
      [9, 400],
      [10, 409],
      [11, 400],
      [12, 501],
      [13, 500],
      [14, 503],
      [15, 500],
      [16, 401],
    ];
    await using fixture = await listen({
      kv: {
        compact: async ({ revision }) => {
          if (revision === 0n) {
            throw new Error("secret");
          }
          throw new StatusError(Number(revision) as 1, 'etcdserver: "x"');
        },
      },
    });
    for (const [code, status] of codes) {
      const answer = await call(fixture.url, "/v3/kv/compaction", `{"revision":${code}}`);
      assert.equal(answer.status, status);
      assert.equal(
        answer.text,
        `{"error":"etcdserver: \\"x\\"","code":${code},"message":"etcdserver: \\"x\\""}`,
      );
      assert.equal(answer.headers.get("www-authenticate"), code === 16 ? 'etcdserver: "x"' : null);
      assert.equal(answer.headers.get("grpc-metadata-content-type"), null);
    }
    const answer = await call(fixture.url, "/v3/kv/compaction", "");
    assert.equal(answer.status, 500);
    assert.doesNotMatch(answer.text, /secret/);
    assert.deepEqual(fixture.errors, ["call failed: secret"]);
  });

  test("bodies that cannot be read", async () => {
    await using fixture = await listen({});
    const cases: [string, string][] = [
      ["{", "unexpected EOF"],
      ['{"key":"Y Q"}', 'proto: (line 1:8): invalid value for bytes field key: \\"Y Q\\"'],
      ["null", "proto: syntax error (line 1:1): unexpected token null"],
    ];
    for (const [body, message] of cases) {
      const { status, text } = await call(fixture.url, "/v3/kv/range", body);
      assert.equal(status, 400);
      assert.equal(text, `{"error":"${message}","code":3,"message":"${message}"}`);
    }
  });

  test("messages that are too large, and bodies that are far too large", async () => {
    await using fixture = await listen({
      kv: { put: async ({ value }) => create(PutResponseSchema, { prevKv: { value } }) },
    });
    const body = (bytes: number) => `{"value":"${Buffer.alloc(bytes).toString("base64")}"}`;
    assert.equal((await call(fixture.url, "/v3/kv/put", body(2_097_148))).status, 200);
    const large = await call(fixture.url, "/v3/kv/put", body(2_097_149));
    assert.equal(large.status, 429);
    assert.match(large.text, /"grpc: received message larger than max \(2097153 vs. 2097152\)"/);

    const before = process.memoryUsage().rss;
    const huge = Buffer.alloc(100_000_000, "A");
    const wire = new Wire(fixture.port).send(
      `POST /v3/kv/put HTTP/1.1\r\nHost: x\r\nContent-Length: ${huge.length}\r\n\r\n`,
      huge,
    );
    assert.match(await wire.receive("vs. 2097152)"), /^HTTP\/1.1 429 .*Connection: close/s);
    await until(() => wire.closed, "the close", 5_000);

    const chunked = new Wire(fixture.port).send(
      "POST /v3/kv/put HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n",
    );
    for (let sent = 0; sent < 12 && !chunked.closed; sent++) {
      chunked.send("100000\r\n", Buffer.alloc(0x100000, "A"), "\r\n");
    }
    assert.match(await chunked.receive("vs. 2097152)"), /^HTTP\/1.1 429 /);
    chunked.socket.destroy();
    assert.ok(process.memoryUsage().rss - before < 200_000_000 + huge.length);
  });

  test("a client that waits for permission to send too much gets none", async () => {
    await using fixture = await listen({});
    const head = "POST /v3/kv/put HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n";
    const wire = new Wire(fixture.port).send(`${head}Content-Length: 50000000\r\n\r\n`);
    assert.match(await wire.receive("vs. 2097152)"), /^HTTP\/1.1 429 /);
    const small = new Wire(fixture.port).send(`${head}Content-Length: 2\r\n\r\n`);
    await small.receive("100 Continue");
    await small.send("{}").receive("200 OK");
    small.socket.destroy();
    wire.socket.destroy();
  });

  for (const [length, begun] of [
    ["Content-Length: 20", "{"],
    ["Transfer-Encoding: chunked", "1\r\n{\r\n"],
  ])
    test(`a body that does not come in time, ${length}`, async () => {
      await using fixture = await listen({}, { timeouts: { bodyMs: 50 } });
      const wire = new Wire(fixture.port).send(
        `POST /v3/kv/range HTTP/1.1\r\nHost: x\r\n${length}\r\n\r\n${begun}`,
      );
      assert.match(await wire.receive("in time"), /^HTTP\/1.1 408 /);
      assert.equal(wire.received.match(/Connection: close/g)?.length, 1);
      await until(() => wire.closed, "the close", 5_000);
      assert.deepEqual(fixture.errors, []);
    });

  test("Grpc-Timeout, and a client that goes away, abort the signal", async () => {
    const reasons: Error[] = [];
    let entered = 0;
    await using fixture = await listen({
      kv: {
        range: async (_request, { signal }) => {
          entered += 1;
          reasons.push(await aborted(signal));
          await sleep(5_000, undefined, { signal });
          return create(RangeResponseSchema);
        },
        compact: async () => {
          await sleep(10);
          return create(CompactionResponseSchema);
        },
      },
    });
    const late = await call(fixture.url, "/v3/kv/range", "", { "Grpc-Timeout": "30m" });
    assert.equal(late.status, 504);
    assert.match(late.text, /"message":"context deadline exceeded"/);
    const bad = await call(fixture.url, "/v3/kv/range", "", { "Grpc-Timeout": "x" });
    assert.deepEqual([bad.status, /invalid grpc-timeout: x/.test(bad.text)], [400, true]);
    assert.equal((await call(fixture.url, "/v3/kv/compaction", "", { "Grpc-Timeout": "1H" })).status, 200);
    assert.deepEqual(reasons.splice(0), [new StatusError(4, "context deadline exceeded")]);

    const wire = new Wire(fixture.port).send(post("/v3/kv/range", ""));
    await until(() => entered === 2, "the call");
    wire.socket.destroy();
    await until(() => reasons.length === 1, "the abort");
    assert.deepEqual(reasons, [new StatusError(1, "context canceled")]);
    assert.deepEqual(fixture.errors, []);
  });

  test("requests one after the other on one connection, also behind a refused one", async () => {
    await using fixture = await listen({});
    const wire = new Wire(fixture.port).send(post("/v3/kv/range", "{}"));
    await wire.receive("200 OK");
    wire.send(post("/v3/nope", '{"a":1}'));
    await wire.receive("404 Not Found");
    wire.send(post("/v3/kv/range", "{") + post("/v3/kv/put", "{}"));
    await wire.receive(/400 Bad Request.*200 OK/s);
    assert.doesNotMatch(wire.received, /Connection: close/);
    wire.socket.destroy();
  });
});

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
