import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setTimeout as sleep, setImmediate as turn } from "node:timers/promises";
import { create } from "@bufbuild/protobuf";
import fc from "fast-check";
import { EtcdError } from "../errors.js";
import {
  CompactionResponseSchema,
  PutResponseSchema,
  RangeResponseSchema,
} from "../gen/etcdserverpb/kv_pb.js";
import { type Handling, listen, post, until, Wire } from "./testing/fixture.js";

/** A header that makes the rest of a connection Node's. */
const TO_NODE = "TE: trailers\r\n";

const echo: Handling = {
  kv: {
    range: async ({ key }) => create(RangeResponseSchema, { kvs: [{ key }] }),
    put: async ({ value }) => {
      await sleep(1);
      return create(PutResponseSchema, { prevKv: { value } });
    },
    deleteRange: async () => {
      throw new EtcdError("emptyKey");
    },
  },
};

/** What a connection answers to some requests, without what changes from second to second. */
async function answers(port: number, text: string, end: string | RegExp): Promise<string> {
  const wire = new Wire(port).send(text);
  await wire.receive(end);
  wire.socket.destroy();
  return wire.received.replace(/Date: .*\r\n/g, "Date: now\r\n");
}

describe("common requests", () => {
  test("are answered byte for byte as Node's server would", async () => {
    await using fixture = await listen(echo, { corsOrigins: new Set(["http://a"]) });
    const large = Buffer.alloc(30_000, 1).toString("base64");
    const cases: [path: string, body: string, headers: string][] = [
      ["/v3/kv/range", '{"key":"YQ=="}', ""],
      ["/v3/kv/range", '{"key":"YQ=="}', "Origin: http://a\r\n"],
      ["/v3/kv/range", `{"key":"${large}"}`, "Origin: http://b\r\n"],
      ["/v3/kv/put", '{"value":"YQ=="}', "Content-Type: application/json\r\n"],
      ["/v3/kv/deleterange", "{}", ""],
      ["/v3/kv/range", "{", ""],
      ["/v3/kv/range", "", "Grpc-Timeout: x\r\n"],
    ];
    for (const [path, body, headers] of cases) {
      const fast = await answers(fixture.port, post(path, body, headers), /\r\n\r\n\{.*\}$/s);
      const node = await answers(fixture.port, post(path, body, headers + TO_NODE), /\r\n\r\n\{.*\}$/s);
      assert.equal(fast, node);
      assert.match(fast, /^HTTP\/1.1 \d{3} .*Connection: keep-alive\r\nKeep-Alive: timeout=90\r\n/s);
    }
  });

  test("are answered the same, however they are cut and mixed with others", async () => {
    await using fixture = await listen(echo);
    const kinds: [request: string, answer: string][] = [
      [post("/v3/kv/range", '{"key":"YQ=="}'), '{"kvs":[{"key":"YQ=="}]}'],
      [post("/v3/kv/put", '{"value":"Yg=="}'), '{"prev_kv":{"value":"Yg=="}}'],
      [post("/v3/kv/range", ""), '{"kvs":[{}]}'],
      [post("/v3/kv/deleterange", "{}"), '"message":"etcdserver: key is not provided"}'],
      [post("/v3/nope", "{}"), '"message":"Not Found"}'],
      [post("/v3/kv/range", '{"key":"Yw=="}', TO_NODE), '{"kvs":[{"key":"Yw=="}]}'],
    ];
    const common = fc.integer({ min: 0, max: 3 });
    const any = fc.integer({ min: 0, max: kinds.length - 1 });
    const script = fc.tuple(
      fc.array(common, { minLength: 1, maxLength: 6 }),
      fc.array(any, { maxLength: 3 }),
    );
    await fc.assert(
      fc.asyncProperty(script, fc.infiniteStream(fc.integer({ min: 1, max: 400 })), async (both, sizes) => {
        const chosen = both.flat().map((kind) => kinds[kind] as [string, string]);
        const text = chosen.map(([request]) => request).join("");
        const wire = new Wire(fixture.port);
        for (let at = 0; at < text.length; ) {
          const size = sizes.next().value;
          wire.send(text.slice(at, at + size));
          at += size;
          await turn();
        }
        const inOrder = chosen.map(([, answer]) => answer.replace(/[{}[\]"]/g, "\\$&")).join(".*");
        await wire.receive(new RegExp(inOrder, "s"));
        assert.equal(wire.received.match(/HTTP\/1.1 /g)?.length, chosen.length);
        wire.socket.destroy();
      }),
      { numRuns: 60 },
    );
    assert.deepEqual(fixture.errors, []);
  });

  test("sent in great numbers by a client that does not read are not all answered", async () => {
    let calls = 0;
    await using fixture = await listen({
      kv: {
        range: async () => {
          calls += 1;
          return create(RangeResponseSchema, { kvs: [{ value: Buffer.alloc(10_000) }] });
        },
      },
    });
    const wire = new Wire(fixture.port);
    wire.socket.pause();
    wire.send(post("/v3/kv/range", "{}").repeat(20_000));
    let before = -1;
    while (before !== calls) {
      before = calls;
      await sleep(100);
    }
    assert.ok(calls > 0 && calls < 2_000, `${calls} calls`);
    wire.socket.resume();
    await until(() => calls === 20_000, "the rest", 60_000);
    wire.socket.destroy();
  });

  test("may take longer than an idle connection is kept", async () => {
    await using fixture = await listen(
      {
        kv: {
          compact: async () => {
            await sleep(400);
            return create(CompactionResponseSchema);
          },
        },
      },
      { timeouts: { idleMs: 100 } },
    );
    const wire = new Wire(fixture.port).send(post("/v3/kv/compaction", "{}"));
    await wire.receive("200 OK");
    await until(() => wire.closed, "the close", 2_000);
  });

  test("that are under way are answered when the listener closes, and their connections with it", async () => {
    let go = () => {};
    const fixture = await listen({
      kv: {
        range: async () => {
          await new Promise<void>((resolve) => {
            go = resolve;
          });
          return create(RangeResponseSchema);
        },
      },
    });
    const idle = new Wire(fixture.port).send(post("/v3/kv/put", "{}"));
    await idle.receive("200 OK");
    const busy = new Wire(fixture.port).send(post("/v3/kv/range", "{}"));
    const text = post("/v3/kv/put", '{"key":"YQ=="}');
    const half = new Wire(fixture.port).send(text.slice(0, -5));
    await sleep(50);
    const closed = fixture.listener.close(5_000);
    await until(() => idle.closed, "the close of the idle one");
    go();
    half.send(text.slice(-5));
    assert.match(await busy.receive("{}"), /Connection: close\r\n/);
    await half.receive("Connection: close");
    await until(() => busy.closed && half.closed, "the others' close");
    await closed;
  });
});
