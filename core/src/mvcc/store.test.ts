import assert from "node:assert/strict";
import { test } from "node:test";
import { EtcdError } from "../errors.js";
import { ProcessLogBackend } from "../storage/log/index.js";
import { bytes, del, openStore, put, range, shown, txn } from "./testing.js";

test("a fresh store is at revision 1 and each change takes the next one", async () => {
  const store = await openStore();
  assert.equal((await store.range(range("a"))).revision, 1n);
  assert.equal((await store.put(put("a", "1"))).revision, 2n);
  assert.equal((await store.deleteRange(del("nothing"))).revision, 2n);
  assert.equal((await store.txn(txn([put("b", "1"), put("c", "1")]))).revision, 3n);
  assert.deepEqual(shown((await store.range(range("a", "\0"))).fields), ["a=1@2", "b=1@3", "c=1@3"]);
  await store.close();
});

test("proposals that wait go into one backend commit, each with its own revision", async () => {
  const backend = new ProcessLogBackend();
  const store = await openStore(backend);
  const before = backend.last;
  const revisions = await Promise.all(
    Array.from({ length: 100 }, async (_, index) => (await store.put(put(`k${index}`))).revision),
  );
  assert.deepEqual(
    revisions,
    Array.from({ length: 100 }, (_, index) => BigInt(index + 2)),
  );
  assert.equal(backend.last - before, 1n);
  await store.close();
});

test("a transaction that fails leaves nothing behind in its group", async () => {
  const store = await openStore();
  const [first, failed, last] = await Promise.allSettled([
    store.put(put("a", "1")),
    store.put(put("a", "2", { lease: 77n })),
    store.put(put("a", "3", { prevKv: true })),
  ]);
  assert.equal(first.status, "fulfilled");
  assert.equal(failed.status === "rejected" && failed.reason.id, "leaseNotFound");
  assert.equal(last.status, "fulfilled");
  assert.deepEqual(shown((await store.range(range("a"))).fields), ["a=3@3"]);
  await store.close();
});

test("a range in a transaction sees what the group before it has not committed yet", async () => {
  const store = await openStore();
  for (const key of ["a", "b", "c", "d"]) await store.put(put(key, "old"));
  const [, , read] = await Promise.all([
    store.put(put("bb", "new")),
    store.deleteRange(del("a", "b")),
    store.txn(txn([put("z", "mine"), range("a", "\0", { limit: 3n }), del("c"), range("", "\0")])),
  ]);
  const [, limited, , whole] = read.responses;
  assert.ok(limited?.type === "range" && whole?.type === "range");
  assert.deepEqual(shown(limited.fields), ["b=old@3", "bb=new@6", "c=old@4"]);
  assert.deepEqual([limited.count, limited.more], [5n, true]);
  assert.deepEqual(shown(whole.fields), ["b=old@3", "bb=new@6", "d=old@5", "z=mine@8"]);
  await store.close();
});

test("two adapters on one backend agree on one gapless order, and neither loses a write", async () => {
  const backend = new ProcessLogBackend();
  const stores = await Promise.all([openStore(backend), openStore(backend)]);
  const revisions = await Promise.all(
    stores.flatMap((store, adapter) =>
      Array.from(
        { length: 40 },
        async (_, index) => (await store.put(put(`${adapter}/${index}`, "x"))).revision,
      ),
    ),
  );
  assert.deepEqual(
    revisions.sort((a, b) => Number(a - b)),
    Array.from({ length: 80 }, (_, index) => BigInt(index + 2)),
  );
  for (const store of stores)
    assert.equal((await store.range(range("", "\0", { countOnly: true }))).count, 80n);
  await Promise.all(stores.map((store) => store.close()));
});

test("compare-and-swap by two adapters on one key succeeds once a value", async () => {
  const backend = new ProcessLogBackend();
  const stores = await Promise.all([openStore(backend), openStore(backend)]);
  const won = await Promise.all(
    Array.from({ length: 20 }, async (_, index) => {
      const compare = {
        key: bytes("k"),
        rangeEnd: Buffer.alloc(0),
        result: "equal",
        target: { field: "create", operand: 0n },
      } as const;
      return (await stores[index % 2]!.txn(txn([put("k", String(index))], [compare]))).succeeded;
    }),
  );
  assert.equal(won.filter(Boolean).length, 1);
  await Promise.all(stores.map((store) => store.close()));
});

test("a lost acknowledgement is found out, never applied twice; a lost request is made again", async () => {
  for (const kind of ["lost acknowledgement", "lost request"] as const) {
    const backend = new ProcessLogBackend();
    const store = await openStore(backend);
    let faults = 2;
    backend.fault = () => (faults-- > 0 ? kind : undefined);
    assert.equal((await store.put(put("a", "1"))).revision, 2n);
    assert.equal((await store.put(put("a", "2"))).revision, 3n);
    assert.deepEqual(shown((await store.range(range("a"))).fields), ["a=2@3"]);
    await store.close();
  }
});

test("a backend that is away for a while delays a write and does not fail it", async () => {
  const backend = new ProcessLogBackend();
  const store = await openStore(backend);
  let faults = 5;
  backend.fault = () => (faults-- > 0 ? "unavailable" : undefined);
  assert.equal((await store.put(put("a"))).revision, 2n);
  await store.close();
});

test("reads at old revisions, and their limits", async () => {
  const store = await openStore();
  for (const value of ["1", "2", "3"]) await store.put(put("a", value));
  assert.deepEqual(shown((await store.range(range("a", "", { revision: 3n }))).fields), ["a=2@3"]);
  await store.compactor.compact(3n, true);
  assert.deepEqual(shown((await store.range(range("a", "", { revision: 3n }))).fields), ["a=2@3"]);
  const refused = (revision: bigint, id: string) =>
    assert.rejects(
      store.range(range("a", "", { revision })),
      (error) => error instanceof EtcdError && error.id === id,
    );
  await refused(2n, "compacted");
  await refused(5n, "futureRevision");
  await assert.rejects(store.compactor.compact(3n, false), /required revision has been compacted/);
  await store.close();
});

test("a closed store refuses, and says that it stopped", async () => {
  const store = await openStore();
  await store.close();
  await assert.rejects(store.put(put("a")), /server stopped/);
});
