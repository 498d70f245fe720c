import assert from "node:assert/strict";
import { test } from "node:test";
import { pino } from "pino";
import type { Operation } from "../mvcc/operations.js";
import { del, openStore, put, range, txn } from "../mvcc/testing.js";
import { ProcessLogBackend } from "../storage/log/index.js";
import { ALARM } from "./alarm-entry.js";
import { Alarms } from "./alarms.js";
import { Quota } from "./quota.js";
import { SizeMeter } from "./size-meter.js";

const MEMBER = 7n;

function refused(id: string) {
  return (error: unknown) => (error as { id?: string }).id === id;
}

test("an alarm is raised and cleared once, for every adapter", async () => {
  const backend = new ProcessLogBackend();
  const stores = await Promise.all([openStore(backend), openStore(backend)]);
  const [mine, other] = stores.map((store) => new Alarms(store)) as [Alarms, Alarms];
  const noSpace = { memberId: MEMBER, type: ALARM.noSpace };
  const corrupt = { memberId: MEMBER, type: ALARM.corrupt };
  assert.equal(await mine.activate({ memberId: MEMBER, type: 0 }), undefined);
  assert.deepEqual(await mine.activate(corrupt), corrupt);
  assert.deepEqual(await other.activate(noSpace), noSpace);
  assert.deepEqual(await mine.activate(noSpace), noSpace);
  assert.deepEqual(await other.list(0), [noSpace, corrupt]);
  assert.deepEqual(await other.list(ALARM.corrupt), [corrupt]);
  assert.deepEqual(await other.deactivate(corrupt), corrupt);
  assert.equal(await mine.deactivate(corrupt), undefined);
  assert.deepEqual(await mine.list(0), [noSpace]);
  await Promise.all(stores.map((store) => store.close()));
});

test("NOSPACE refuses what makes the data grow, on an adapter that has not read of it yet too", async () => {
  const backend = new ProcessLogBackend();
  const [raising, writing] = await Promise.all([openStore(backend), openStore(backend)]);
  await writing.put(put("a"));
  await new Alarms(raising).activate({ memberId: MEMBER, type: ALARM.noSpace });
  await assert.rejects(writing.put(put("a")), refused("noSpace"));
  await assert.rejects(writing.lessor.grant(0n, 10_000_000_000n), refused("noSpace"));
  const untaken: Operation = { type: "txn", compares: [], success: [del("a")], failure: [put("b")] };
  await assert.rejects(writing.txn(txn([untaken])), refused("noSpace"));
  assert.equal((await writing.txn(txn([del("nothing")]))).succeeded, true);
  assert.equal((await writing.range(range("a"))).count, 1n);
  assert.equal((await writing.deleteRange(del("a"))).deleted, 1n);
  await writing.compactor.compact(2n, false);
  await Promise.all([raising.close(), writing.close()]);
});

test("CORRUPT refuses every write", async () => {
  const store = await openStore();
  await store.put(put("a"));
  const { id } = await store.lessor.grant(0n, 100n);
  await new Alarms(store).activate({ memberId: MEMBER, type: ALARM.corrupt });
  await new Alarms(store).activate({ memberId: MEMBER, type: ALARM.noSpace });
  await assert.rejects(store.put(put("a")), refused("corrupt"));
  await assert.rejects(store.deleteRange(del("nothing")), refused("corrupt"));
  await assert.rejects(store.txn(txn([del("a")])), refused("corrupt"));
  await assert.rejects(store.lessor.grant(0n, 100n), refused("corrupt"));
  await assert.rejects(store.lessor.revoke(id), refused("corrupt"));
  await assert.rejects(store.compactor.compact(1n, false), refused("corrupt"));
  assert.equal((await store.range(range("a"))).count, 1n);
  assert.equal((await store.txn(txn([range("a")]))).succeeded, true);
  await store.close();
});

test("the quota refuses what would not fit, and raises the alarm", async () => {
  const store = await openStore();
  const alarms = new Alarms(store);
  let total = 1_000n;
  const storage = { size: async () => ({ total, inUse: 10n }) } as unknown as typeof store.storage;
  const quota = new Quota(2_000, new SizeMeter(storage), alarms, MEMBER, pino({ level: "silent" }));
  await quota.spend(500);
  await quota.spend(400);
  assert.deepEqual(alarms.known, []);
  // What was let through since the size was measured counts: 1000 + 900 + 100 is the quota.
  await assert.rejects(quota.spend(100), refused("noSpace"));
  assert.deepEqual(alarms.known, [{ memberId: MEMBER, type: ALARM.noSpace }]);
  await quota.spend(0);
  total = 100n;
  await new Promise((resolve) => setTimeout(resolve, 150));
  await quota.spend(1_800);
  await store.close();
});
