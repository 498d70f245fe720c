import assert from "node:assert/strict";
import { copyFileSync, readFileSync } from "node:fs";
import https from "node:https";
import net from "node:net";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { connect } from "node:tls";
import { KV } from "@etcd-adapter/core/proto/etcdserverpb/kv_pb";
import * as grpc from "@grpc/grpc-js";
import { type AdapterProcess, startAdapterProcess } from "../adapter/start.js";
import { GrpcClient, RpcError } from "../client/grpc-client.js";
import { waitUntil } from "../servers/index.js";
import { Authority, type Certificate } from "./authority.js";

describe("TLS with client certificates", () => {
  const authority = new Authority("the test's");
  const stranger = new Authority("somebody else's");
  const client = authority.issue("client");
  const served = { cert: join(authority.folder, "served.crt"), key: join(authority.folder, "served.key") };
  let adapter: AdapterProcess;

  function serve({ cert, key }: Certificate): void {
    copyFileSync(cert, served.cert);
    copyFileSync(key, served.key);
  }

  before(async () => {
    serve(authority.issue("server"));
    adapter = await startAdapterProcess("memory:", {
      tls: { ...served, ca: authority.ca, probeWith: client },
    });
  });
  after(() => adapter.stop());

  function dial(shown: Certificate | undefined, ca = authority.ca): GrpcClient {
    return new GrpcClient(
      adapter.address,
      grpc.credentials.createSsl(
        readFileSync(ca),
        shown ? readFileSync(shown.key) : null,
        shown ? readFileSync(shown.cert) : null,
      ),
    );
  }

  async function range(shown: Certificate | undefined, ca?: string): Promise<void> {
    const one = dial(shown, ca);
    try {
      await one.unary(KV.method.range, { key: Buffer.from("a") }, { timeoutMs: 3_000 });
    } finally {
      one.close();
    }
  }

  const refused = (shown: Certificate | undefined, ca?: string) =>
    assert.rejects(range(shown, ca), (error) => error instanceof RpcError && [4, 14].includes(error.code));

  test("gRPC and the gateway on one port, for who shows a certificate", async () => {
    await range(client);
    const status = await new Promise<number>((resolve, reject) => {
      const request = https.request(
        `${adapter.url}/v3/kv/range`,
        {
          method: "POST",
          ca: readFileSync(authority.ca),
          cert: readFileSync(client.cert),
          key: readFileSync(client.key),
        },
        (response) => {
          response.resume();
          resolve(response.statusCode!);
        },
      );
      request.on("error", reject);
      request.end('{"key":"YQ=="}');
    });
    assert.equal(status, 200);
  });

  test("no certificate, one of a stranger, an expired one: refused", async () => {
    await refused(undefined);
    await refused(stranger.issue("client"));
    await refused(authority.issue("client", { expired: true }));
    await range(client);
  });

  test("a client does not accept a server of another authority or for another host", async () => {
    await refused(client, stranger.ca);
    serve(authority.issue("server", { address: "127.0.0.9" }));
    await waitUntil(() => refused(client), { timeoutMs: 10_000 });
    serve(authority.issue("server"));
    await waitUntil(() => range(client), { timeoutMs: 10_000 });
  });

  test("plaintext on the port, and half a hello, end with a closed connection", async () => {
    for (const bytes of [
      "POST /v3/kv/range HTTP/1.1\r\n\r\n",
      "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
      "\x16\x03\x01\x00\xf8\x01",
    ]) {
      await new Promise<void>((resolve, reject) => {
        const socket = net.connect(adapter.port, "127.0.0.1", () =>
          socket.write(Buffer.from(bytes, "latin1")),
        );
        const timer = setTimeout(() => reject(new Error("still open")), 20_000);
        socket.on("error", () => {});
        socket.on("close", () => {
          clearTimeout(timer);
          resolve();
        });
        socket.resume();
      });
    }
    await range(client);
  });

  test("a replaced certificate is served without a restart, and connections live on", async () => {
    const old = dial(client);
    await old.unary(KV.method.range, { key: Buffer.from("a") });
    const serial = (): Promise<string> =>
      new Promise((resolve, reject) => {
        const socket = connect(
          {
            port: adapter.port,
            host: "127.0.0.1",
            ca: readFileSync(authority.ca),
            cert: readFileSync(client.cert),
            key: readFileSync(client.key),
          },
          () => {
            resolve(socket.getPeerCertificate().serialNumber);
            socket.destroy();
          },
        );
        socket.on("error", reject);
      });
    const before = await serial();
    serve(authority.issue("server"));
    await waitUntil(async () => assert.notEqual(await serial(), before), { timeoutMs: 10_000 });
    await old.unary(KV.method.range, { key: Buffer.from("a") });
    old.close();
  });
});
