import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { KV } from "@etcd-adapter/core/proto/etcdserverpb/kv_pb";
import { Watch } from "@etcd-adapter/core/proto/etcdserverpb/watch_pb";
import { storageBackends } from "../adapter/backends.js";
import { startAdapterProcess } from "../adapter/start.js";
import { GrpcClient } from "../client/grpc-client.js";
import { residentBytes } from "../protocol/resident.js";
import { waitUntil } from "../servers/index.js";

const KEYS = 100_000;
const WATCHERS = 1_000;
const CONNECTIONS = 10;
const PUTS = 50;
const PREFIX = { key: Buffer.from("/apisix/"), rangeEnd: Buffer.from("/apisix0") };

async function fill(client: GrpcClient): Promise<void> {
  const value = Buffer.alloc(100, "v");
  for (let first = 0; first < KEYS; first += 1_000) {
    await Promise.all(
      Array.from({ length: 10 }, (_, txn) =>
        client.unary(KV.method.txn, {
          success: Array.from({ length: 100 }, (_, index) => ({
            request: {
              case: "requestPut" as const,
              value: { key: Buffer.from(`/apisix/routes/${first + txn * 100 + index}`), value },
            },
          })),
        }),
      ),
    );
  }
}

// What the backend adds is its own latency: the hub is the same on all.
for (const backend of storageBackends().filter(({ shared }) => !shared)) {
  describe(`${WATCHERS} watchers on one prefix with ${KEYS} keys, on ${backend.name}`, () => {
    test("every watcher gets every change, and the process stays responsive", async (t) => {
      const adapter = await startAdapterProcess(await backend.fresh());
      const client = new GrpcClient(adapter.address);
      await fill(client);
      const filled = residentBytes(adapter.pid);
      const clients = Array.from({ length: CONNECTIONS }, () => new GrpcClient(adapter.address));
      const streams = Array.from({ length: WATCHERS }, (_, index) => {
        const stream = clients[index % CONNECTIONS]!.stream(Watch.method.watch);
        stream.send({ requestUnion: { case: "createRequest", value: PREFIX } });
        return stream;
      });
      for (const stream of streams) assert.equal((await stream.next(30_000))?.created, true);

      const started = performance.now();
      let slowest = 0;
      for (let put = 0; put < PUTS; put++) {
        const before = performance.now();
        await client.unary(KV.method.put, {
          key: Buffer.from(`/apisix/routes/${put}`),
          value: Buffer.from("new"),
        });
        slowest = Math.max(slowest, performance.now() - before);
      }
      const seen = () =>
        streams.map(({ received }) => received.reduce((sum, message) => sum + message.events.length, 0));
      await waitUntil(() => assert.ok(seen().every((count) => count === PUTS)), {
        timeoutMs: 60_000,
        intervalMs: 20,
      });
      const tookMs = performance.now() - started;
      const before = performance.now();
      await client.unary(KV.method.range, { key: Buffer.from("/apisix/routes/1") });
      const answerMs = performance.now() - before;

      const mebibytes = (bytes: number): string => `${Math.round(bytes / 1024 / 1024)} MiB`;
      t.diagnostic(
        `${WATCHERS * PUTS} events in ${Math.round(tookMs)} ms, slowest put ${Math.round(slowest)} ms, ` +
          `a range then ${answerMs.toFixed(1)} ms; resident ${mebibytes(filled)} with the keys, ` +
          `${mebibytes(residentBytes(adapter.pid))} with the watchers`,
      );
      assert.ok(slowest < 5_000 && answerMs < 1_000);
      for (const one of [client, ...clients]) one.close();
      await adapter.stop();
    });
  });
}
