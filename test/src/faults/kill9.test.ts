import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { KV } from "@etcd-adapter/core/proto/etcdserverpb/kv_pb";
import { Watch } from "@etcd-adapter/core/proto/etcdserverpb/watch_pb";
import { storageBackends } from "../adapter/backends.js";
import { type AdapterProcess, startAdapterProcess } from "../adapter/start.js";
import { GrpcClient } from "../client/grpc-client.js";
import { waitUntil } from "../servers/index.js";

const WRITERS = 32;
const EVERYTHING = { key: Buffer.from([0]), rangeEnd: Buffer.from([0]) };

interface Write {
  readonly key: string;
  readonly revision: bigint;
}

/** Puts distinct keys through many writers at once until the adapter is gone; gives those that were acknowledged. */
async function storm(client: GrpcClient, round: number, acknowledged: Write[]): Promise<void> {
  await Promise.all(
    Array.from({ length: WRITERS }, async (_, writer) => {
      for (let index = 0; ; index++) {
        const key = `${round}/${writer}/${index}`;
        try {
          const { header } = await client.unary(
            KV.method.put,
            { key: Buffer.from(key), value: Buffer.from(key) },
            { timeoutMs: 20_000 },
          );
          acknowledged.push({ key, revision: header!.revision });
        } catch {
          return;
        }
      }
    }),
  );
}

/** Follows every change from `from` on for as long as the adapter lives; gives where to go on. */
async function follow(client: GrpcClient, from: bigint, seen: Map<string, bigint>): Promise<bigint> {
  const stream = client.stream(Watch.method.watch);
  stream.send({ requestUnion: { case: "createRequest", value: { ...EVERYTHING, startRevision: from } } });
  let next = from;
  for (;;) {
    const message = await stream.next(30_000);
    if (!message) return next;
    for (const event of message.events) {
      const { key, modRevision } = event.kv!;
      const name = Buffer.from(key).toString();
      assert.ok(modRevision >= next, `revision ${modRevision} came again`);
      assert.ok(!seen.has(name), `${name} came twice`);
      seen.set(name, modRevision);
    }
    if (message.events.length > 0) next = message.header!.revision + 1n;
  }
}

for (const backend of storageBackends().filter(({ durable }) => durable)) {
  describe(`kill -9 in a storm of puts, on ${backend.name}`, () => {
    // Twenty times where nothing but a file stands between the adapter and a loss.
    const kills = Number(process.env.ETCD_ADAPTER_KILLS ?? (backend.shared ? 5 : 20));
    test(`${kills} times: nothing acknowledged is lost, no revision is missing, a watcher sees each change once`, async () => {
      const adapter: AdapterProcess = await startAdapterProcess(await backend.fresh());
      const acknowledged: Write[] = [];
      const seen = new Map<string, bigint>();
      let next = 2n;
      for (let round = 0; round < kills; round++) {
        const client = new GrpcClient(adapter.address);
        const writing = storm(client, round, acknowledged);
        const watching = follow(client, next, seen);
        const enough = acknowledged.length + WRITERS + Math.floor(Math.random() * 500);
        await waitUntil(async () => assert.ok(acknowledged.length > enough), {
          timeoutMs: 30_000,
          intervalMs: 1,
        });
        await adapter.kill9();
        await writing;
        next = await watching;
        client.close();
        await adapter.restart();
      }

      const client = new GrpcClient(adapter.address);
      const everything = await client.unary(KV.method.range, EVERYTHING, { timeoutMs: 60_000 });
      const stored = new Map(everything.kvs.map((kv) => [Buffer.from(kv.key).toString(), kv.modRevision]));
      assert.equal(everything.count, BigInt(everything.kvs.length));
      for (const { key, version } of everything.kvs)
        assert.equal(version, 1n, `${Buffer.from(key)} was written twice`);
      for (const { key, revision } of acknowledged) assert.equal(stored.get(key), revision, key);
      const revisions = [...stored.values()].sort((a, b) => Number(a - b));
      assert.deepEqual(
        revisions,
        Array.from(revisions, (_, index) => BigInt(index + 2)),
      );
      assert.equal(everything.header!.revision, BigInt(revisions.length + 1));

      const watching = follow(client, next, seen);
      const deadline = Date.now() + 30_000;
      while (seen.size < stored.size && Date.now() < deadline)
        await new Promise((resolve) => setTimeout(resolve, 20));
      assert.deepEqual(new Map([...seen].sort()), new Map([...stored].sort()));
      assert.ok(acknowledged.length > kills * WRITERS);
      await adapter.stop();
      await watching;
      client.close();
    });
  });
}
