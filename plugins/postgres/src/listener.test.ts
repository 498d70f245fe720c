import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import {
  FaultProxy,
  isRequired,
  type PostgresServer,
  startPostgres,
  waitUntil,
} from "@etcd-adapter/test/dist/servers/index.js";
import { openStorage, StorageWriter } from "@etcd-adapter/test/dist/storage-faults/index.js";
import postgres from "./index.js";

if (isRequired("postgres"))
  describe("postgres, push", { timeout: 120_000 }, () => {
    let server: PostgresServer;
    before(async () => {
      server = await startPostgres();
    });
    after(() => server?.[Symbol.asyncDispose]());

    it("is lost with its connection, comes back by itself, and ends when it is told to", async () => {
      const url = await server.freshDatabase();
      await using proxy = await FaultProxy.start(server);
      const [storage, other] = await Promise.all([
        openStorage(postgres, proxy.through(url)),
        openStorage(postgres, url),
      ]);
      const writer = new StorageWriter(other, "other");
      const events: string[] = [];
      const end = await storage.subscribe!({
        onMoved: () => events.push("moved"),
        onLost: () => events.push("lost"),
      });
      await writer.write();
      await waitUntil(() => assert.deepEqual(events, ["moved"]), { timeoutMs: 5_000, intervalMs: 5 });
      proxy.interrupt();
      await waitUntil(() => assert.deepEqual(events, ["moved", "lost", "moved"]), { timeoutMs: 5_000 });
      events.length = 0;
      await writer.write();
      await waitUntil(() => assert.deepEqual(events, ["moved"]), { timeoutMs: 5_000, intervalMs: 5 });
      await end();
      await writer.write();
      await sleep(200);
      assert.deepEqual(events, ["moved"]);
      await Promise.all([storage.close(), other.close()]);
    });
  });
