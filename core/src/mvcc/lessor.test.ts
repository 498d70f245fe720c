import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { ProcessLogBackend } from "../storage/log/index.js";
import { openStore, put, range } from "./testing.js";

const TTL_SECONDS = 2n;

test("a renewal holds on every adapter, though the one that made it has just started", async () => {
  const backend = new ProcessLogBackend();
  const first = await openStore(backend);
  const { id } = await first.lessor.grant(0n, TTL_SECONDS);
  await sleep(1_000);
  const second = await openStore(backend);
  const renewed = performance.now();
  assert.equal(await second.lessor.renew(id), TTL_SECONDS);
  await sleep(renewed + 1_950 - performance.now());
  assert.deepEqual(await first.lessor.list(), [id]);
  await Promise.all([first.close(), second.close()]);
});

test("hundreds of leases end while another adapter writes, though each read of a lease's keys takes its time", async () => {
  const backend = new ProcessLogBackend();
  const [first, second] = [await openStore(backend), await openStore(backend)];
  for (const { storage } of [first, second]) {
    const leaseKeys = storage.leaseKeys.bind(storage);
    storage.leaseKeys = async (lease) => {
      await sleep(10);
      return leaseKeys(lease);
    };
  }
  const ids = Array.from({ length: 300 }, (_, n) => BigInt(n + 1));
  await Promise.all(ids.map((id) => first.lessor.grant(id, TTL_SECONDS)));
  await Promise.all(ids.map((lease) => first.put(put(`k${lease}`, "", { lease }))));
  let isOver = false;
  const writing = (async () => {
    for (let n = 0; !isOver; n++) {
      await second.put(put("other", `${n}`));
      await sleep(30);
    }
  })();
  await sleep(6_000);
  const left = await second.lessor.list();
  isOver = true;
  await writing;
  assert.deepEqual(left, []);
  assert.equal((await first.range(range("k", "l", { countOnly: true }))).count, 0n);
  await Promise.all([first.close(), second.close()]);
});

test("what one adapter revoked, another does not renew, time or list", async () => {
  const backend = new ProcessLogBackend();
  const [first, second] = [await openStore(backend), await openStore(backend)];
  for (let round = 0; round < 20; round++) {
    const { id } = await first.lessor.grant(0n, 100n);
    assert.equal(await second.lessor.renew(id), 100n);
    await first.lessor.revoke(id);
    const answers = [
      second.lessor.renew(id),
      second.lessor.timeToLive(id, false),
      second.lessor.list(),
    ] as const;
    const [renewed, status, listed] = await Promise.all(answers);
    assert.deepEqual([renewed, status.remainingSeconds, listed], [0n, -1n, []]);
  }
  await Promise.all([first.close(), second.close()]);
});

test("a lease that is granted again under its id has its full time, though another adapter missed the change", async () => {
  const backend = new ProcessLogBackend();
  const [first, second] = [await openStore(backend), await openStore(backend)];
  await first.lessor.grant(7n, TTL_SECONDS);
  await second.lessor.list();
  await sleep(1_200);
  // Both changes come to the second adapter at once.
  const listeners = [...backend.listeners];
  backend.listeners.clear();
  await first.lessor.revoke(7n);
  await first.lessor.grant(7n, TTL_SECONDS);
  const granted = performance.now();
  for (const listener of listeners) backend.listeners.add(listener);
  await second.lessor.list();
  await sleep(granted + 1_950 - performance.now());
  assert.deepEqual(await first.lessor.list(), [7n]);
  await Promise.all([first.close(), second.close()]);
});

test("a renewal that waited past its lease's time, and was committed, keeps the lease", async () => {
  const backend = new ProcessLogBackend();
  const store = await openStore(backend);
  const { id } = await store.lessor.grant(0n, TTL_SECONDS);
  await sleep(1_900);
  backend.fault = () => "unavailable";
  const putting = store.put(put("a"));
  const renewing = store.lessor.renew(id);
  // By then the lease's end waits behind the renewal, for the same commit.
  await sleep(1_200);
  backend.fault = () => undefined;
  await putting;
  assert.equal(await renewing, TTL_SECONDS);
  assert.deepEqual(await store.lessor.list(), [id]);
  await store.close();
});
