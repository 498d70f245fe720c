/** Several adapters on one backend: rights hold on all of them from the moment that their change is answered. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { pino } from "pino";
import { Store } from "../mvcc/store.js";
import { LogBackedStorage, ProcessLog, ProcessLogBackend } from "../storage/log/index.js";
import { outcome, READWRITE, TestAdapter } from "./testing.js";

const key = Buffer.from("a");

/** An adapter that is told of nothing: all that it knows of others' commits it has to ask for. */
async function deafAdapter(backend: ProcessLogBackend): Promise<TestAdapter> {
  const storage = new LogBackedStorage(new ProcessLog(backend));
  Object.assign(storage, { subscribe: async () => async () => {} });
  const store = new Store(storage, pino({ level: "silent" }));
  await store.start();
  return TestAdapter.over(store);
}

async function pair() {
  const backend = new ProcessLogBackend();
  const near = await TestAdapter.open(backend);
  await near.enable({ amy: [[READWRITE, "a"]] });
  const root = { token: await near.token("root", "root") };
  const far = await deafAdapter(backend);
  const close = () => Promise.all([near.close(), far.close()]);
  return { near, far, root, close };
}

const CALLS = {
  range: { key },
  put: { key },
  deleteRange: { key },
  txn: { success: [{ request: { case: "requestRange", value: { key } } }] },
} as const;

test("what was revoked on one adapter is refused on the other, what was granted is permitted", async () => {
  const { near, far, root, close } = await pair();
  const amy = { token: await near.token("amy", "amy") };
  for (let round = 0; round < 3; round++) {
    for (const [method, request] of Object.entries(CALLS)) {
      await near.call("userRevokeRole", { name: "amy", role: "amy" }, root);
      assert.equal(await outcome(far.call(method, request, amy)), "permission denied", method);
      await near.call("userGrantRole", { user: "amy", role: "amy" }, root);
      assert.equal(await outcome(far.call(method, request, amy)), "ok", method);
    }
  }
  await close();
});

test("a serializable read does not show what came after its rights ended", async () => {
  const { near, far, root, close } = await pair();
  const amy = { token: await near.token("amy", "amy") };
  const request = { key, serializable: true };
  assert.equal(await outcome(far.call("range", request, amy)), "ok");
  await near.call("userRevokeRole", { name: "amy", role: "amy" }, root);
  await near.call("put", { key, value: Buffer.from("secret") }, root);
  // Something linearizable brings the storage, not yet the rights, up to date.
  await far.api.store.storage.head();
  const shown = await far.call("range", request, amy).catch(() => undefined);
  assert.ok(!String(shown).includes("secret"));
  await close();
});

test("tokens, new users and new passwords are known to the other adapter at once", async () => {
  const { near, far, root, close } = await pair();
  await near.call("userAdd", { name: "bob", password: "one" }, root);
  await near.call("userGrantRole", { user: "bob", role: "amy" }, root);
  const bob = { token: await near.token("bob", "one") };
  assert.equal(await outcome(far.call("range", { key }, bob)), "ok");
  await near.call("userChangePassword", { name: "bob", password: "two" }, root);
  assert.equal(await outcome(far.call("put", { key }, bob)), "invalid auth token");
  assert.match(await outcome(far.token("bob", "one")), /^authentication failed/);
  const again = { token: await far.token("bob", "two") };
  assert.equal(await outcome(near.call("range", { key }, again)), "ok");
  await close();
});

test("a write is checked on the state that it commits on, also when access control was off", async () => {
  const backend = new ProcessLogBackend();
  const near = await TestAdapter.open(backend);
  const far = await deafAdapter(backend);
  await near.enable({});
  assert.equal(await outcome(far.call("put", { key })), "user name is empty");
  assert.equal(await outcome(far.call("leaseGrant", { TTL: 9n })), "user name is empty");
  assert.equal(await outcome(far.call("userAdd", { name: "eve" })), "user name is empty");
  const root = { token: await near.token("root", "root") };
  await near.call("authDisable", {}, root);
  assert.equal(await outcome(far.call("put", { key })), "ok");
  await near.close();
  await far.close();
});

test("revocations that race with writes: none is made after the revocation is answered", async () => {
  const { near, far, root, close } = await pair();
  const amy = { token: await near.token("amy", "amy") };
  for (let round = 0; round < 20; round++) {
    let revoked = false;
    const late: string[] = [];
    const write = async () => {
      const wasRevoked = revoked;
      const result = await outcome(far.call("put", { key, value: Buffer.from(String(round)) }, amy));
      if (wasRevoked && result === "ok") late.push(result);
    };
    const writes = Array.from({ length: 10 }, write);
    const revocation = near.call("userRevokeRole", { name: "amy", role: "amy" }, root).then(() => {
      revoked = true;
    });
    await Promise.all([revocation, ...writes]);
    await Promise.all(Array.from({ length: 5 }, write));
    assert.deepEqual(late, []);
    await near.call("userGrantRole", { user: "amy", role: "amy" }, root);
  }
  await close();
});
