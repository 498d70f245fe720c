import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { WatchEvent } from "./event.js";
import { RecentHistory } from "./history.js";

const MEGABYTE = 1024 * 1024;

function add(history: RecentHistory, revision: bigint, bytes: number): void {
  const change = { key: Buffer.from("k"), deleted: false, lease: 0n, field: Buffer.alloc(bytes) };
  history.add({ revision, events: [new WatchEvent({ ...change, sub: 0, previous: 0n }, revision)] });
}

test("what the bound lets go of is not held in memory any longer", async () => {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  collect();
  const before = process.memoryUsage().arrayBuffers;
  const history = new RecentHistory(8 * MEGABYTE);
  for (let revision = 1n; revision <= 300n; revision++) add(history, revision, MEGABYTE);
  // V8 frees the memory of buffers on a thread of its own, a moment after the collection.
  const held = () => process.memoryUsage().arrayBuffers - before;
  for (let tries = 0; tries < 100 && held() >= 16 * MEGABYTE; tries++) {
    collect();
    await sleep(20);
  }
  assert.ok(held() < 16 * MEGABYTE, `${held()} bytes`);
  assert.equal(history.from(1n, 10), undefined);
  assert.deepEqual(
    history.from(298n, 10)?.map(({ revision }) => revision),
    [298n, 299n, 300n],
  );
});

test("a long history stays within its bound and in order", () => {
  const history = new RecentHistory(100_000);
  for (let revision = 1n; revision <= 5_000n; revision++) add(history, revision, 100);
  const newest = history.from(4_900n, 1_000)!;
  assert.deepEqual([newest.length, newest[0]?.revision, newest.at(-1)?.revision], [101, 4_900n, 5_000n]);
  assert.equal(history.from(4_500n, 1_000), undefined);
  assert.deepEqual(history.from(5_001n, 10), []);
});
