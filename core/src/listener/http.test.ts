import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { PlainRoute } from "./listener.js";
import { listen, post, until, Wire } from "./testing/fixture.js";

const CORS = {
  "access-control-allow-headers": "accept, content-type, authorization",
  "access-control-allow-methods": "POST, GET, OPTIONS, PUT, DELETE",
  "access-control-allow-origin": "*",
};

const plainRoutes: PlainRoute[] = [
  {
    path: "/version",
    handle: () => ({ status: 200, headers: { "Content-Type": "application/json" }, body: "{}" }),
  },
  {
    path: "/readyz/",
    handle: ({ path, query }) => ({ status: 200, body: `${path} ${query.get("exclude")}` }),
  },
  { path: "/livez", handle: async ({ peer }) => ({ status: 503, body: peer.address.split(":")[0] ?? "" }) },
  {
    path: "/broken",
    handle: () => {
      throw new Error("secret");
    },
  },
];

async function get(url: string, init: RequestInit = {}) {
  const response = await fetch(url, { redirect: "manual", ...init });
  return {
    status: response.status,
    headers: Object.fromEntries(response.headers),
    text: await response.text(),
  };
}

describe("routes", () => {
  test("as etcd 3.6 answers them", async () => {
    await using fixture = await listen({}, { plainRoutes });
    const json = "application/json";
    const text = "text/plain; charset=utf-8";
    const cases: [string, string, number, string, string | undefined][] = [
      ["GET", "/version", 200, "{}", json],
      ["GET", "/version?x=1", 200, "{}", json],
      ["POST", "/version", 405, "Method Not Allowed\n", text],
      ["GET", "/readyz/name?exclude=a", 200, "/readyz/name a", undefined],
      ["GET", "/readyz", 404, "404 page not found\n", text],
      ["GET", "/livez", 503, "127.0.0.1", undefined],
      ["GET", "/", 404, "404 page not found\n", text],
      ["POST", "/v3alpha/kv/range", 404, "404 page not found\n", text],
      ["POST", "/v3/nope", 404, '{"error":"Not Found","code":5,"message":"Not Found"}', json],
      ["POST", "/v3/kv/range/", 404, '{"error":"Not Found","code":5,"message":"Not Found"}', json],
      [
        "GET",
        "/v3/kv/range",
        501,
        '{"error":"Method Not Allowed","code":12,"message":"Method Not Allowed"}',
        json,
      ],
      [
        "PUT",
        "/v3/watch",
        501,
        '{"error":"Method Not Allowed","code":12,"message":"Method Not Allowed"}',
        json,
      ],
      ["OPTIONS", "/v3/kv/range", 200, "", undefined],
      ["OPTIONS", "/anything", 200, "", undefined],
      ["POST", "/v3//kv/range", 307, "", undefined],
    ];
    for (const [method, path, status, body, type] of cases) {
      const answer = await get(fixture.url + path, { method });
      assert.deepEqual(
        [answer.status, answer.text, answer.headers["content-type"]],
        [status, body, type],
        path,
      );
      assert.deepEqual({ ...answer.headers, ...CORS }, answer.headers);
      assert.equal(answer.headers.allow, status === 405 ? "GET" : undefined);
    }
    const redirected = await get(`${fixture.url}/v3/./kv//range?x=1`);
    assert.equal(redirected.headers.location, "/v3/kv/range?x=1");
    assert.equal((await get(`${fixture.url}/v3`)).headers.location, "/v3/");
    const injected = await get(`${fixture.url}//a%0d%0aX:%20y`);
    assert.deepEqual([injected.status, injected.headers.location], [307, "/a%0D%0AX:%20y"]);
    const proxied = new Wire(fixture.port).send("GET http://x:1/version?y HTTP/1.1\r\nHost: x\r\n\r\n");
    await proxied.receive("200 OK");
    proxied.socket.destroy();
  });

  test("a handler that fails", async () => {
    await using fixture = await listen({}, { plainRoutes });
    const { status, text } = await get(`${fixture.url}/broken`);
    assert.deepEqual([status, text], [500, "Internal Server Error\n"]);
    assert.deepEqual(fixture.errors, ["request failed: secret"]);
  });

  test("the gateway may be refused as a whole", async () => {
    const refuseGateway = () => ({ status: 400, body: "CommonName\n" });
    await using fixture = await listen({}, { plainRoutes, refuseGateway });
    assert.equal((await get(`${fixture.url}/v3/kv/range`, { method: "POST" })).text, "CommonName\n");
    assert.equal((await get(`${fixture.url}/version`)).status, 200);
  });
});

describe("who may call", () => {
  test("hosts of the whitelist", async () => {
    await using fixture = await listen({}, { hostWhitelist: new Set(["good", "127.0.0.1"]), plainRoutes });
    assert.equal((await get(`${fixture.url}/version`)).status, 200);
    for (const [host, status] of [
      ["good", "200"],
      ["good:2379", "200"],
      ["evil", "421"],
    ]) {
      const wire = new Wire(fixture.port).send(`GET /version HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
      await wire.receive(`HTTP/1.1 ${status}`);
      wire.socket.destroy();
    }
  });

  test("origins", async () => {
    await using fixture = await listen({}, { corsOrigins: new Set(["http://good"]), plainRoutes });
    for (const [origin, allowed] of [
      ["http://good", "http://good"],
      ["http://evil", undefined],
    ] as const) {
      const { headers } = await get(`${fixture.url}/version`, { headers: { origin } });
      assert.equal(headers["access-control-allow-origin"], allowed);
    }
  });
});

describe("slow and broken clients", () => {
  test("a head that does not end", async () => {
    await using fixture = await listen({}, { timeouts: { headersMs: 100 } });
    const wire = new Wire(fixture.port).send("GET /version HTTP/1.1\r\nHost: x\r\n");
    const dripping = setInterval(() => wire.send("X: y\r\n"), 20);
    try {
      await until(() => wire.closed, "the close");
    } finally {
      clearInterval(dripping);
    }
    assert.match(wire.received, /^HTTP\/1.1 408 Request Timeout/);
  });

  test("a head that is too long", async () => {
    await using fixture = await listen({});
    const wire = new Wire(fixture.port).send(
      `GET / HTTP/1.1\r\nHost: x\r\nX: ${"x".repeat(100_000)}\r\n\r\n`,
    );
    assert.match(await wire.receive("431"), /^HTTP\/1.1 431 Request Header Fields Too Large/);
  });

  test("garbage in the middle of an answer closes, and does not garble it", async () => {
    await using fixture = await listen({
      watch: {
        watch: async (call) => {
          call.send(Buffer.alloc(0));
          await sleep(500);
        },
      },
    });
    const wire = new Wire(fixture.port).send(post("/v3/watch", "{}"));
    await wire.receive("result");
    wire.send("\0\0\0\0");
    await until(() => wire.closed, "the close");
    assert.doesNotMatch(wire.received, /400/);
  });

  test("an idle connection is kept, for as long as it says", async () => {
    await using fixture = await listen({}, { plainRoutes, timeouts: { idleMs: 1_000 } });
    const wire = new Wire(fixture.port).send("GET /version HTTP/1.1\r\nHost: x\r\n\r\n");
    await wire.receive("200 OK");
    await sleep(700);
    assert.equal(wire.closed, false);
    await until(() => wire.closed, "the close", 3_000);
  });
});
