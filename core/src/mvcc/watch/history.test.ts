import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { encodeField } from "../record.js";
import { WatchEvent } from "./event.js";
import { RecentHistory } from "./history.js";
import { Slabs } from "./slabs.js";

const MEGABYTE = 1024 * 1024;
const memory = new Slabs();
const kv = { key: Buffer.from("key"), value: Buffer.from("v"), createRevision: 1n, version: 1n, lease: 0n };

function add(history: RecentHistory, revision: bigint, bytes: number): void {
  const change = { key: Buffer.from("k"), deleted: false, lease: 0n, field: Buffer.alloc(bytes) };
  history.add({ revision, events: [new WatchEvent({ ...change, sub: 0, previous: 0n }, revision, memory)] });
}

/** Bytes of buffers beyond `before`, once they are no more than `most`, or after two seconds. */
async function heldBuffers(before: number, most: number): Promise<number> {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const held = () => process.memoryUsage().arrayBuffers - before;
  // V8 frees the memory of buffers on a thread of its own, a moment after the collection.
  for (let tries = 0; tries < 100 && held() >= most; tries++) {
    collect();
    await sleep(20);
  }
  return held();
}

test("what the bound lets go of is not held in memory any longer", async () => {
  const before = process.memoryUsage().arrayBuffers;
  const history = new RecentHistory(8 * MEGABYTE);
  for (let revision = 1n; revision <= 300n; revision++) add(history, revision, MEGABYTE);
  const held = await heldBuffers(before, 16 * MEGABYTE);
  assert.ok(held < 16 * MEGABYTE, `${held} bytes`);
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

test("a small change keeps nothing of the large answer that it came in", async () => {
  const before = process.memoryUsage().arrayBuffers;
  const history = new RecentHistory();
  for (let revision = 1n; revision <= 200n; revision++) {
    const answer = Buffer.alloc(MEGABYTE);
    const field = encodeField({ ...kv, modRevision: revision }).copy(answer);
    const change = { key: answer.subarray(2, 5), field: answer.subarray(0, field), deleted: false };
    const event = new WatchEvent({ ...change, lease: 0n, sub: 0, previous: 0n }, revision, memory);
    assert.deepEqual(event.key, kv.key);
    history.add({ revision, events: [event] });
  }
  const held = await heldBuffers(before, MEGABYTE);
  assert.ok(held < MEGABYTE, `${held} bytes`);
  assert.equal(history.from(1n, 1_000)?.length, 200);
});
