import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { pino } from "pino";
import { hashKeySpace } from "../mvcc/hash.js";
import { encodeField } from "../mvcc/record.js";
import { Store } from "../mvcc/store.js";
import { del, openStore, put, range, shown, txn } from "../mvcc/testing.js";
import { isStorageError, type QueryStorage } from "../storage/index.js";
import { LogBackedStorage, ProcessLog, ProcessLogBackend } from "../storage/log/index.js";
import { refuseUnfinishedRestore, restoreSnapshot, snapshotChunks } from "./index.js";

async function snapshot(storage: QueryStorage): Promise<Buffer> {
  const blobs: Buffer[] = [];
  for await (const { blob } of snapshotChunks(storage)) blobs.push(blob);
  return Buffer.concat(blobs);
}

async function emptyStorage(backend = new ProcessLogBackend()): Promise<QueryStorage> {
  const storage = new LogBackedStorage(new ProcessLog(backend));
  await storage.open();
  return storage;
}

async function* pieces(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

/** Gaps in history, in revisions and inside them, some above and some below a compaction. */
async function livelyStore(): Promise<Store> {
  const store = await openStore();
  await store.lessor.grant(7n, 600n);
  for (let index = 0; index < 40; index++) {
    await store.put(put(`k${index % 7}`, `v${index}`, { lease: index % 3 === 0 ? 7n : 0n }));
    if (index % 5 === 0) await store.deleteRange(del("k1", "k4"));
    await store.txn(txn([put("x", `${index}`), put("\0", "zero"), put(`y${index % 2}`)]));
  }
  await store.compactor.compact(60n, true);
  return store;
}

test("a restored storage has the same history, leases and hash, and goes on from there", async () => {
  const store = await livelyStore();
  const backend = new ProcessLogBackend();
  const storage = await emptyStorage(backend);
  const restored = await restoreSnapshot(pieces(await snapshot(store.storage), 1_000), storage);
  assert.equal(restored.revision, store.revision);
  assert.equal(restored.compacted, 60n);
  for (const revision of [0n, 61n, 75n]) {
    const [expected, actual] = await Promise.all(
      [store.storage, storage].map((each) => hashKeySpace(each, revision)),
    );
    assert.equal(actual!.hash, expected!.hash);
  }
  await storage.close();
  const again = await openStore(backend);
  refuseUnfinishedRestore(again.follower.registry);
  assert.deepEqual(await again.lessor.keys(7n), await store.lessor.keys(7n));
  for (const revision of [0n, 60n, 70n]) {
    const query = range("\0", "\0", { revision });
    assert.deepEqual(shown((await again.range(query)).fields), shown((await store.range(query)).fields));
  }
  await assert.rejects(again.range(range("x", "", { revision: 59n })), { id: "compacted" });
  assert.equal((await again.put(put("x", "next"))).revision, restored.revision + 1n);
  await again.lessor.revoke(7n);
  await Promise.all([store.close(), again.close()]);
});

test("etcd's framing: chunks of 32 KiB, what remains falls to 0, and the SHA-256 comes last", async () => {
  const store = await openStore();
  for (let index = 0; index < 50; index++) await store.put(put(`key${index}`, "v".repeat(3_000)));
  const digest = createHash("sha256");
  const chunks = [];
  for await (const chunk of snapshotChunks(store.storage)) chunks.push(chunk);
  const last = chunks.pop()!;
  const total = chunks.reduce((sum, { blob }) => sum + blob.length, 0);
  assert.equal(total % 512, 0);
  let sent = 0;
  for (const [index, { blob, remaining }] of chunks.entries()) {
    if (index < chunks.length - 1) assert.equal(blob.length, 32 * 1024);
    sent += blob.length;
    assert.equal(remaining, total - sent);
    digest.update(blob);
  }
  assert.deepEqual(last, { blob: digest.digest(), remaining: 0 });
  await store.close();
});

test("an empty store's snapshot can be restored", async () => {
  const store = await openStore();
  const restored = await restoreSnapshot(pieces(await snapshot(store.storage), 100), await emptyStorage());
  assert.deepEqual(restored, { revision: 1n, compacted: -1n, changes: 0 });
  await store.close();
});

test("compactions and writes that overtake a snapshot leave it whole, as of a later revision", async () => {
  const store = await livelyStore();
  const { storage } = store;
  let overtaken = 0;
  const overtaking = new Proxy(storage, {
    get(target, name) {
      if (name === "changes" && overtaken < 6 && overtaken++ % 2 === 1) {
        return async (query: Parameters<QueryStorage["changes"]>[0]) => {
          const page = await target.changes({ ...query, limit: 20 });
          await store.put(put("k1", "late"));
          await store.deleteRange(del("k5", "k7"));
          await store.compactor.compact(store.revision, true);
          return page;
        };
      }
      const value: unknown = Reflect.get(target, name);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  const copy = await emptyStorage();
  const restored = await restoreSnapshot(pieces(await snapshot(overtaking), 777), copy);
  assert.ok(overtaken > 1);
  assert.equal(restored.revision, store.revision);
  const again = new Store(copy, pino({ level: "silent" }));
  const [expected, actual] = await Promise.all([storage, copy].map((each) => hashKeySpace(each, 0n)));
  assert.equal(actual!.hash, expected!.hash);
  await again.close();
  await store.close();
});

test("a history of billions of revisions is restored in as many commits as what is left of it needs", async () => {
  const backend = new ProcessLogBackend();
  const source = await emptyStorage(backend);
  const base = await source.head();
  const revisions = [3n, 2_000_000_000n, 4_000_000_000n].map((revision, index) => {
    const key = Buffer.from(`k${index}`);
    const value = { createRevision: revision, modRevision: revision, version: 1n, value: key, lease: 0n };
    const field = encodeField({ key, ...value });
    return { revision, changes: [{ key, field, deleted: false, previous: 0n, lease: 0n }] };
  });
  const head = { sequence: 1n, revision: 5_000_000_000n, compacted: 5_000_000_000n };
  await source.commit({ id: Buffer.alloc(16), base, head, revisions, registry: [] });
  const storage = await emptyStorage();
  const restored = await restoreSnapshot(pieces(await snapshot(source), 1_000), storage);
  assert.deepEqual(restored, { revision: 5_000_000_000n, compacted: 5_000_000_000n, changes: 3 });
  assert.deepEqual(await storage.head(), { ...head, sequence: 1n });
  const store = new Store(storage, pino({ level: "silent" }));
  await store.start();
  const all = await store.range(range("\0", "\0"));
  assert.deepEqual(
    shown(all.fields),
    shown(Buffer.concat(revisions.map(({ changes }) => changes[0]!.field))),
  );
  assert.equal((await store.put(put("k0", "next"))).revision, 5_000_000_001n);
  await Promise.all([store.close(), source.close()]);
});

test("damage is found, and a storage that is half restored or in use is refused", async () => {
  const store = await livelyStore();
  const good = await snapshot(store.storage);
  const flipped = Buffer.from(good);
  flipped[flipped.length - 40]! ^= 1;
  const inside = Buffer.from(good);
  inside[300]! ^= 1;
  for (const bad of [
    flipped,
    inside,
    good.subarray(0, -1),
    good.subarray(0, 400),
    Buffer.from("SQLite format 3\0"),
  ]) {
    const backend = new ProcessLogBackend();
    const storage = await emptyStorage(backend);
    await assert.rejects(restoreSnapshot(pieces(bad, 4_096), storage), (error) =>
      isStorageError(error, "corrupt"),
    );
    await storage.close();
  }
  await assert.rejects(restoreSnapshot(pieces(good, 4_096), store.storage), (error) =>
    isStorageError(error, "misconfigured"),
  );
  const registry = new Map([["restore/unfinished", Buffer.from("1")]]);
  assert.throws(() => refuseUnfinishedRestore(registry), /empty the storage/);
  await store.close();
});
