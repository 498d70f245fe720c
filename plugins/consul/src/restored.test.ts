import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it, type TestContext } from "node:test";
import { isStorageError, type LogStorage } from "@etcd-adapter/core/storage";
import {
  type ConsulServer,
  isRequired,
  startConsul,
  waitUntil,
} from "@etcd-adapter/test/dist/servers/index.js";
import { openLog } from "@etcd-adapter/test/dist/storage-faults/index.js";
import consul from "./index.js";

const subject = { plugin: consul, options: { "watch-wait-ms": 1_000 } };
const isConflict = (error: unknown) => isStorageError(error, "conflict");
const append = (log: LogStorage, sequence: bigint) => log.append(sequence, () => Buffer.from(`${sequence}`));

if (isRequired("consul"))
  describe("consul, whose data goes back in time", { timeout: 900_000 }, () => {
    let server: ConsulServer;
    before(async () => {
      server = await startConsul();
    });
    after(() => server?.[Symbol.asyncDispose]());

    /** Closed with the test, however that ends: a log that is followed keeps the process alive. */
    async function opened(t: TestContext, url: string): Promise<LogStorage> {
      const log = await openLog(subject, url);
      t.after(() => log.close());
      return log;
    }

    /** A log of five segments that is followed. */
    async function followed(t: TestContext, url: string) {
      const log = await opened(t, url);
      let moves = 0;
      await log.subscribe!({ onMoved: () => moves++, onLost: () => {} });
      return { log, moves: () => moves };
    }

    it("never appends to a restored log what was made for the one before, and hears of its changes", async (t) => {
      const url = await server.freshPrefix();
      const { log, moves } = await followed(t, url);
      for (const sequence of [1n, 2n, 3n]) await append(log, sequence);
      const backup = await (await server.request("/v1/snapshot")).arrayBuffer();
      for (const sequence of [4n, 5n]) await append(log, sequence);
      assert.ok((await server.request("/v1/snapshot", { method: "PUT", body: backup })).ok);

      await assert.rejects(append(log, 6n), isConflict);
      const fresh = await waitUntil(() => opened(t, url), { timeoutMs: 20_000 });
      assert.equal(await fresh.last(), 3n);
      assert.equal((await fresh.read(0n, 1_000_000)).length, 3);
      assert.equal(await log.last(), 3n, "the core sees that it went back, and calls it corrupt");
      for (const sequence of [4n, 5n, 6n]) {
        const before = moves();
        await append(fresh, sequence);
        await waitUntil(() => assert.ok(moves() > before), { timeoutMs: 30_000 });
      }
    });

    it("says that the log is corrupt when all of it is gone, and begins anew when it is opened", async (t) => {
      const url = await server.freshPrefix();
      const { log, moves } = await followed(t, url);
      for (const sequence of [1n, 2n, 3n, 4n, 5n]) await append(log, sequence);
      await server.stop();
      rmSync(join(server.folder, "data"), { recursive: true });
      await server.restart();

      await waitUntil(() => assert.rejects(log.last(), (error) => isStorageError(error, "corrupt")), {
        timeoutMs: 10_000,
      });
      await assert.rejects(append(log, 6n), isConflict);
      const fresh = await opened(t, url);
      assert.equal(await fresh.last(), 0n);
      const before = moves();
      await append(fresh, 1n);
      // the index began anew, too: a query that waited behind the old one would wait for ever
      await waitUntil(() => assert.ok(moves() > before), { timeoutMs: 20_000 });
    });
  });
