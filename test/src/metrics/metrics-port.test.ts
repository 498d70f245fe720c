/** `--listen-metrics-urls` of a real etcd and of the adapter, whose client ports ask for certificates. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import http from "node:http";
import https from "node:https";
import net from "node:net";
import { after, before, describe, test } from "node:test";
import { type AdapterProcess, startAdapterProcess } from "../adapter/start.js";
import { type EtcdServer, freePort, isRequired, startEtcd, waitUntil } from "../servers/index.js";
import { Authority, type Certificate } from "../tls/authority.js";

interface Answer {
  readonly status: number;
  readonly type: string | undefined;
  readonly allow: string | undefined;
  readonly location: string | undefined;
  readonly body: string;
}

interface Asking {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly ca?: string;
  readonly shown?: Certificate;
}

function ask(url: string, { method = "GET", headers = {}, ca, shown }: Asking = {}): Promise<Answer> {
  const { request } = url.startsWith("https:") ? https : http;
  const files = {
    ...(ca && { ca: readFileSync(ca) }),
    ...(shown && { cert: readFileSync(shown.cert), key: readFileSync(shown.key) }),
  };
  return new Promise((resolve, reject) => {
    const asked = request(url, { method, headers, agent: false, ...files }, (response) => {
      let body = "";
      response.on("data", (chunk: Buffer) => {
        body += chunk.toString();
      });
      response.on("end", () => {
        const { "content-type": type, allow, location } = response.headers;
        resolve({ status: response.statusCode!, type, allow, location, body });
      });
      response.on("error", reject);
    });
    asked.on("error", reject);
    asked.setTimeout(5_000, () => asked.destroy(new Error("no answer")));
    asked.end();
  });
}

const PATHS = [
  "/health",
  "/health?serializable=true",
  "/health?exclude=NOSPACE",
  "/livez",
  "/livez?verbose",
  "/livez/serializable_read",
  "/readyz",
  "/readyz/linearizable_read",
  "/readyz/non_learner?verbose",
  "/readyz/data_corruption",
  "/readyz/nonsense",
  "/health/",
  "/metrics/",
  "/version",
  "/debug/vars",
  "/v3/kv/range",
  "/",
];

if (isRequired("etcd")) {
  describe("the metrics port beside a client port with certificates", () => {
    const authority = new Authority("the test's");
    const client = authority.issue("client");
    const server = authority.issue("server");
    let etcd: EtcdServer;
    let adapter: AdapterProcess;
    let metrics: readonly [etcd: string, adapter: string];
    /** The same under TLS. */
    let secure: readonly [etcd: string, adapter: string];

    before(async () => {
      const plainUrl = `http://127.0.0.1:${await freePort()}`;
      const secureUrl = `https://127.0.0.1:${await freePort()}`;
      const tls = { ...server, ca: authority.ca };
      [etcd, adapter] = await Promise.all([
        startEtcd({ tls }),
        startAdapterProcess("memory:", {
          tls: { ...tls, probeWith: client },
          args: [`--listen-metrics-urls=${plainUrl},${secureUrl}`, "--host-whitelist=localhost"],
        }),
      ]);
      metrics = [etcd.metricsUrl, plainUrl];
      secure = [etcd.secureMetricsUrl, secureUrl];
    });
    after(() => Promise.all([etcd.discard(), adapter.discard()]));

    const both = (path: string, asking: Asking = {}, urls = metrics) =>
      Promise.all(urls.map((url) => ask(url + path, asking)));

    test("no certificate is needed on it, and is on the client port", async () => {
      for (const { url } of [etcd, adapter]) {
        await assert.rejects(ask(`${url}/health`, { ca: authority.ca }));
        assert.equal((await ask(`${url}/health`, { ca: authority.ca, shown: client })).status, 200);
      }
      for (const url of metrics) assert.equal((await ask(`${url}/livez`)).body, "ok\n");
    });

    test("each path is answered as by etcd, and there is nothing else", async () => {
      for (const path of PATHS) {
        const [expected, actual] = await both(path);
        assert.deepEqual(actual, expected, path);
      }
    });

    test("other methods are refused as by etcd, and any host is as good", async () => {
      for (const path of ["/health", "/livez", "/nonsense"]) {
        for (const method of ["POST", "PUT", "HEAD", "OPTIONS"]) {
          const [expected, actual] = await both(path, { method });
          assert.deepEqual(actual, expected, `${method} ${path}`);
        }
      }
      const [expected, actual] = await both("/health", { headers: { Host: "another.invalid" } });
      assert.deepEqual(actual, expected);
      assert.equal(actual!.status, 200);
    });

    test("both show the metrics of the client port", async () => {
      const [expected, actual] = await both("/metrics");
      for (const { status, type, body } of [expected!, actual!]) {
        assert.equal(status, 200);
        assert.match(type!, /^text\/plain; version=0\.0\.4; charset=utf-8/);
        assert.match(body, /^etcd_server_has_leader 1$/m);
      }
    });

    test("under TLS it asks for a certificate, too", async () => {
      await assert.rejects(both("/health", { ca: authority.ca }, secure));
      for (const path of ["/health", "/readyz", "/version"]) {
        const [expected, actual] = await both(path, { ca: authority.ca, shown: client }, secure);
        assert.deepEqual(actual, expected, path);
      }
    });

    test("HTTP/2 without TLS, and silence, are no reason to stay", async () => {
      const { port } = new URL(metrics[1]);
      const socket = net.connect(Number(port), "127.0.0.1");
      const closed = new Promise<void>((resolve) => socket.on("close", () => resolve()));
      socket.on("error", () => {});
      socket.write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
      await closed;
      const silent = net.connect(Number(port), "127.0.0.1");
      silent.on("error", () => {});
      await new Promise((resolve) => silent.on("connect", resolve));
      const began = performance.now();
      await adapter.stop();
      assert.ok(performance.now() - began < 5_000);
      silent.destroy();
      await adapter.restart();
      await waitUntil(async () => assert.equal((await ask(`${metrics[1]}/readyz`)).status, 200), {
        timeoutMs: 10_000,
      });
    });
  });
}
