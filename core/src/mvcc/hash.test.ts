import assert from "node:assert/strict";
import { test } from "node:test";
import { isStorageError } from "../storage/index.js";
import { hashKeySpace } from "./hash.js";
import type { Store } from "./store.js";
import { del, openStore, put, txn } from "./testing.js";

async function hash(store: Store, revision: bigint): Promise<[hash: number, compacted: bigint]> {
  const found = await hashKeySpace(store.storage, revision);
  return [found.hash, found.compactRevision];
}

test("the numbers of an etcd 3.6.16 after the same operations", async () => {
  const store = await openStore();
  assert.deepEqual(await hash(store, 0n), [1084519789, -1n]);
  await store.lessor.grant(7n, 600n);
  await store.put(put("a", "1"));
  await store.put(put("b", "2", { lease: 7n }));
  await store.txn(txn([put("a", "3"), del("b"), put("c")]));
  await store.deleteRange(del("a"));
  await store.put(put("a", "4"));
  assert.deepEqual(await hash(store, 0n), [614725375, -1n]);
  assert.deepEqual(await hash(store, 3n), [1848723582, -1n]);
  assert.deepEqual(await hash(store, 5n), [683751811, -1n]);
  await store.compactor.compact(5n, false);
  assert.deepEqual(await hash(store, 6n), [3305084650, 5n]);
  await store.compactor.prune();
  assert.deepEqual(await hash(store, 6n), [3305084650, 5n]);
  // Without a live key, what the compaction at 5 kept counts whole.
  await store.deleteRange(del("\0", "\0"));
  assert.deepEqual(await hash(store, 7n), [659712975, 5n]);
  await store.put(put("x", "y"));
  await store.compactor.compact(7n, true);
  assert.deepEqual(await hash(store, 8n), [1765240177, 7n]);
  assert.deepEqual(await hash(store, -1n), [1084519789, 7n]);
  await store.close();
});

test("compacted and future revisions have no hash", async () => {
  const store = await openStore();
  await store.put(put("a"));
  await store.put(put("a"));
  await store.compactor.compact(3n, true);
  await assert.rejects(hash(store, 2n), (error) => isStorageError(error, "compacted"));
  await assert.rejects(hash(store, 4n), (error) => isStorageError(error, "future"));
  await store.close();
});
