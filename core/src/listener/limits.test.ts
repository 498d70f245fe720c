/** What operators limit by flags: connections, streams, pings. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { type ClientHttp2Session, connect as connectHttp2 } from "node:http2";
import { describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { connect as connectTls } from "node:tls";
import { connectionLimit } from "./connection-limit.js";
import { type KeepaliveFlags, keepaliveOf } from "./keepalive.js";
import { makeCertificate } from "./testing/certificate.js";
import { type Fixture, listen, post, until, Wire } from "./testing/fixture.js";

const TRANSPORTS = ["grpc-js", "own"] as const;
const RANGE = post("/v3/kv/range", '{"key":"YQ=="}');
const GRPC_RANGE = {
  ":method": "POST",
  ":path": "/etcdserverpb.KV/Range",
  "content-type": "application/grpc",
  te: "trailers",
};

describe("connections", () => {
  test("as many as the limit of open files leaves", () => {
    assert.equal(connectionLimit(1_024), 874);
    assert.ok(connectionLimit() > 100);
    for (const files of [0, 150]) {
      assert.throws(() => connectionLimit(files), { name: "ListenError", message: /ulimit/ });
    }
  });

  for (const grpcTransport of TRANSPORTS) {
    test(`maxConnections: one more is closed, until another has gone (${grpcTransport})`, async () => {
      await using fixture = await listen({}, { grpcTransport, maxConnections: 3 });
      const sessions = [session(fixture), session(fixture)];
      for (const each of sessions) await once(each, "remoteSettings");
      const silent = new Wire(fixture.port);
      await once(silent.socket, "connect");
      await until(() => silent.socket.readyState === "open", "the connection");
      const refused = new Wire(fixture.port).send(RANGE);
      await until(() => refused.closed, "the close of the fourth");
      assert.equal(refused.received, "");
      assert.equal(silent.closed, false);
      sessions[0]?.destroy();
      while (!(await isServed(fixture.port))) await sleep(5);
      sessions[1]?.destroy();
    });
  }

  const certificate = makeCertificate("localhost");
  test("maxConnections: over TLS too", { skip: certificate === undefined && "no OpenSSL" }, async () => {
    await using fixture = await listen(
      {},
      { urls: ["https://127.0.0.1:0"], tls: certificate, maxConnections: 1 },
    );
    const options = { port: fixture.port, host: "127.0.0.1", ca: certificate?.cert };
    const first = connectTls(options);
    await once(first, "secureConnect");
    const second = connectTls(options).on("error", () => {});
    await until(() => second.closed, "the close of the second");
    first.destroy();
  });
});

for (const grpcTransport of TRANSPORTS) {
  test(`maxConcurrentStreams: clients are told of them (${grpcTransport})`, async () => {
    await using fixture = await listen({}, { grpcTransport, maxConcurrentStreams: 7 });
    const client = session(fixture);
    const [settings] = await once(client, "remoteSettings");
    assert.equal(settings.maxConcurrentStreams, 7);
    client.destroy();
  });

  test(`keepalive: a silent client is pinged, and closed without an answer (${grpcTransport})`, async () => {
    await using fixture = await listen(
      {},
      { grpcTransport, keepalive: { intervalMs: 1_000, timeoutMs: 500 } },
    );
    const wire = new Wire(fixture.port);
    const settings = Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]);
    wire.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", settings, Buffer.from([0, 0, 0, 4, 1, 0, 0, 0, 0]));
    await wire.receive("\0\0\x08\x06\0\0\0\0\0");
    await until(() => wire.closed, "the close");
  });
}

describe("pings of clients", () => {
  const ways: readonly [KeepaliveFlags, readonly [number, number, number]][] = [
    [{}, [5_000, 7_200_000, 20_000]],
    [{ minTimeMs: 90, intervalMs: 60_000, timeoutMs: 30 }, [90, 60_000, 30]],
    [{ minTimeMs: 0, intervalMs: 0, timeoutMs: 30 }, [300_000, 7_200_000, 20_000]],
    [{ minTimeMs: -1, intervalMs: 90, timeoutMs: 0 }, [300_000, 7_200_000, 20_000]],
    [{ intervalMs: 90 }, [5_000, 1_000, 20_000]],
  ];
  for (const [flags, [minTimeMs, intervalMs, timeoutMs]] of ways) {
    test(`what the flags ${JSON.stringify(flags)} mean`, () => {
      assert.deepEqual(keepaliveOf(flags), { minTimeMs, intervalMs, timeoutMs });
    });
  }

  test("minTimeMs: who pings more often is sent away, who does not is not", async () => {
    for (const [minTimeMs, isFine] of [
      [1, true],
      [60_000, false],
    ] as const) {
      const handling = { kv: { range: () => new Promise<never>(() => {}) } };
      await using fixture = await listen(handling, { grpcTransport: "own", keepalive: { minTimeMs } });
      const client = session(fixture);
      const goAways: Buffer[] = [];
      client.on("goaway", (_code: number, _last: number, data: Buffer) => goAways.push(data));
      const call = client.request(GRPC_RANGE);
      call.on("error", () => {});
      call.end(Buffer.alloc(5));
      await once(client, "remoteSettings");
      for (let count = 0; count < 5 && !client.destroyed; count += 1) {
        await sleep(10);
        if (!client.destroyed) client.ping(() => {});
      }
      if (isFine) await sleep(50);
      else await until(() => goAways.length > 0, "GOAWAY");
      assert.deepEqual(goAways.map(String), isFine ? [] : ["too_many_pings"]);
      client.destroy();
    }
  });
});

function session(fixture: Fixture): ClientHttp2Session {
  return connectHttp2(fixture.url).on("error", () => {});
}

async function isServed(port: number): Promise<boolean> {
  const wire = new Wire(port).send(RANGE);
  await until(() => wire.closed || wire.received.includes("{}"), "an answer or the end");
  wire.socket.destroy();
  return wire.received.includes("200 OK");
}
