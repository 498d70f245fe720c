import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { isStorageError, type QueryStorage } from "@etcd-adapter/core/storage";
import { FaultProxy, type SqlServer, waitUntil } from "../servers/index.js";
import { createStorage, type FaultSubject, openStorage } from "./subject.js";
import { assertCommits, StorageWriter } from "./writer.js";

const READ_TIMEOUT_MS = 2_000;
const CUTS = 25;

/** What a storage on a database server must bear: the server killed, standing still, out of reach, answers lost. */
export function storageFaults<Options>(subject: FaultSubject<Options>): void {
  const { name, plugin, start, crashSafe = true } = subject;
  const options = { "read-timeout-ms": READ_TIMEOUT_MS };
  const create = (url: string): QueryStorage => createStorage(plugin, url, options);
  const open = (url: string): Promise<QueryStorage> => openStorage(plugin, url, options);

  /** Three writers commit at once while `fault` goes on, and after it. */
  async function race(urls: readonly string[], direct: string, fault: () => Promise<void>): Promise<void> {
    const storages = await Promise.all(urls.map(open));
    const writers = storages.map(
      (storage, index) => new StorageWriter(storage, `writer${index}`, 1 + index * 3),
    );
    try {
      let over = false;
      const running = Promise.all(writers.map((writer) => writer.run(() => over)));
      const count = () => writers.reduce((sum, { acknowledged }) => sum + acknowledged.length, 0);
      await sleep(500);
      await Promise.race([fault(), running]);
      const atFault = count();
      await Promise.race([
        running,
        waitUntil(() => assert.ok(count() > atFault + 10), { timeoutMs: 60_000 }),
      ]);
      over = true;
      await running;
      const reader = await open(direct);
      await assertCommits(reader, writers).finally(() => reader.close());
    } finally {
      await Promise.all(storages.map((storage) => storage.close()));
    }
  }

  describe(`${name}, faults`, { timeout: 900_000 }, () => {
    let server: SqlServer;
    before(async () => {
      server = await start();
    });
    after(() => server?.[Symbol.asyncDispose]());

    it("opens an empty database ten times at once", async () => {
      const url = await server.freshDatabase();
      const storages = await Promise.all(Array.from({ length: 10 }, () => open(url)));
      const writers = storages.map((storage, index) => new StorageWriter(storage, `writer${index}`));
      await Promise.all(writers.map((writer) => writer.write()));
      assert.equal((await assertCommits(storages[0]!, writers)).commits, 10);
      await Promise.all(storages.map((storage) => storage.close()));
    });

    it(`keeps what was acknowledged when the server is ${crashSafe ? "killed" : "stopped"} and starts again`, async () => {
      const url = await server.freshDatabase();
      await race([url, url, url], url, async () => {
        for (let kills = 0; kills < 2; kills++) {
          await (crashSafe ? server.kill9() : server.stop());
          await sleep(300);
          await server.restart();
          await sleep(500);
        }
      });
    });

    it("keeps what was acknowledged when the server stands still", async () => {
      const url = await server.freshDatabase();
      await race([url, url, url], url, async () => {
        server.pause();
        await sleep(2 * READ_TIMEOUT_MS);
        server.resume();
      });
    });

    it("keeps what was acknowledged when connections are cut again and again", async () => {
      const url = await server.freshDatabase();
      await using proxy = await FaultProxy.start(server);
      const through = proxy.through(url);
      await race([through, through, through], url, async () => {
        for (let cuts = 0; cuts < CUTS; cuts++) {
          await sleep(50 + Math.random() * 100);
          proxy.interrupt();
        }
      });
    });

    it("keeps what was acknowledged, once, when answers are lost", async () => {
      const url = await server.freshDatabase();
      await using proxy = await FaultProxy.start(server);
      const through = proxy.through(url);
      await race([through, through, url], url, async () => {
        for (let cuts = 0; cuts < CUTS; cuts++) {
          proxy.deafen();
          await sleep(20 + Math.random() * 50);
          proxy.interrupt();
          proxy.heal();
          await sleep(100);
        }
      });
    });

    it("says what it does not know, and what did not happen", async () => {
      const url = await server.freshDatabase();
      const storage = await open(url);
      const writer = new StorageWriter(storage, "writer");
      await writer.write();
      const base = await storage.head();
      const head = { ...base, sequence: base.sequence + 1n };
      const commit = { id: Buffer.alloc(16, 1), base, head, revisions: [], registry: [] };
      server.pause();
      await assert.rejects(storage.commit(commit), (error) => isStorageError(error, "uncertain"));
      await assert.rejects(storage.head(), (error) => isStorageError(error, "unavailable"));
      server.resume();
      await waitUntil(() => storage.head(), { timeoutMs: 30_000 });
      await server.kill9();
      await waitUntil(
        () => assert.rejects(storage.commit(commit), (error) => isStorageError(error, "unavailable")),
        { timeoutMs: 10_000 },
      );
      const startedAt = performance.now();
      await storage.close();
      assert.ok(performance.now() - startedAt < 5_000, "closing waits for nobody");
      await assert.rejects(storage.head(), (error) => isStorageError(error, "closed"));
      await assert.rejects(create(url).open(), (error) => isStorageError(error, "unavailable"));
      await server.restart();
    });

    it("serves four writers alike", async () => {
      const url = await server.freshDatabase();
      const storages = await Promise.all(Array.from({ length: 4 }, () => open(url)));
      const writers = storages.map((storage, index) => new StorageWriter(storage, `writer${index}`, 16));
      const end = performance.now() + 4_000;
      await Promise.all(writers.map((writer) => writer.run(() => performance.now() > end)));
      const counts = writers.map(({ acknowledged }) => acknowledged.length);
      assert.ok(Math.min(...counts) / Math.max(...counts) > 0.25, `commits by writer: ${counts}`);
      await assertCommits(storages[0]!, writers);
      await Promise.all(storages.map((storage) => storage.close()));
    });
  });
}
