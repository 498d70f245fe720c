import assert from "node:assert/strict";
import { test } from "node:test";
import { startAdapterProcess } from "../adapter/start.js";
import { isRequired, startEtcd, waitUntil } from "../servers/index.js";
import { endsEtcd } from "./ends-etcd.js";
import { Player } from "./player.js";
import type { Step } from "./steps.js";

const key = Buffer.from("k");
const put: Step = {
  kind: "txn",
  request: { success: [{ request: { case: "requestPut", value: { key, value: Buffer.from("v") } } }] },
};
const deletedThenKept: Step = {
  kind: "txn",
  request: {
    success: [
      { request: { case: "requestDeleteRange", value: { key, rangeEnd: Buffer.from([0]) } } },
      { request: { case: "requestPut", value: { key, ignoreValue: true } } },
    ],
  },
};

test("a put in a transaction that keeps the value of a key that the transaction has deleted", {
  skip: !isRequired("etcd"),
}, async () => {
  assert.deepEqual([put, deletedThenKept].map(endsEtcd), [false, true]);
  const etcd = await startEtcd();
  const adapter = await startAdapterProcess("memory:");
  const [theirs, ours] = [new Player(`${etcd.host}:${etcd.port}`), new Player(adapter.address)];
  await Promise.all([theirs.play(put), ours.play(put)]);
  assert.match(JSON.stringify(await theirs.play(deletedThenKept)), /"code":14/);
  await waitUntil(() => assert.ok(!etcd.isRunning), { timeoutMs: 10_000 });
  assert.match(JSON.stringify(await ours.play(deletedThenKept)), /"succeeded":true/);
  theirs.close();
  ours.close();
  await Promise.all([etcd.discard(), adapter.discard()]);
});
