import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { create, toBinary } from "@bufbuild/protobuf";
import { Pieces } from "../api/pieces.js";
import { StatusError } from "../errors.js";
import {
  CompactionResponseSchema,
  PutResponseSchema,
  RangeResponseSchema,
} from "../gen/etcdserverpb/kv_pb.js";
import { aborted, call, listen, post, until, Wire } from "./testing/fixture.js";

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

  test("so do finished bytes in pieces", async () => {
    const range = async () => new Pieces([Buffer.from([0x20]), Buffer.from([3]), Buffer.from([0x18, 1])]);
    await using fixture = await listen({ kv: { range } });
    assert.equal((await call(fixture.url, "/v3/kv/range", "")).text, '{"more":true,"count":"3"}');
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
