import assert from "node:assert/strict";
import { test } from "node:test";
import { ProcessLogBackend } from "../storage/log/index.js";
import { outcome, READWRITE, TestAdapter } from "./testing.js";

const key = Buffer.from("a");
const TTL_SECONDS = 300;

class Clock {
  nowMs = 1_700_000_000_000;
  readonly now = () => this.nowMs;

  pass(seconds: number): void {
    this.nowMs += seconds * 1_000;
  }
}

async function signedIn(clock = new Clock()) {
  const backend = new ProcessLogBackend();
  const options = { ttlSeconds: TTL_SECONDS, now: clock.now };
  const adapter = await TestAdapter.open(backend, options);
  await adapter.enable({ amy: [[READWRITE, "a", "\0"]] });
  const token = await adapter.token("amy", "amy");
  const root = { token: await adapter.token("root", "root") };
  const get = (on: TestAdapter) => outcome(on.call("range", { key }, { token }));
  return { clock, backend, options, adapter, token, root, get };
}

test("a token lives a TTL from its last use", async () => {
  const { clock, adapter, get } = await signedIn();
  for (let use = 0; use < 5; use++) {
    clock.pass(TTL_SECONDS);
    assert.equal(await get(adapter), "ok");
  }
  clock.pass(TTL_SECONDS + 1);
  assert.equal(await get(adapter), "invalid auth token");
  assert.equal(await get(adapter), "invalid auth token");
  await adapter.close();
});

test("a token survives a restart, however long ago it was issued, and holds on every adapter", async () => {
  const { clock, backend, options, adapter, get } = await signedIn();
  for (let use = 0; use < 9; use++) {
    clock.pass(TTL_SECONDS / 2);
    assert.equal(await get(adapter), "ok");
  }
  await settled(adapter);
  await adapter.close();
  const restarted = await TestAdapter.open(backend, options);
  const other = await TestAdapter.open(backend, options);
  assert.equal(await get(restarted), "ok");
  assert.equal(await get(other), "ok");
  clock.pass(2 * TTL_SECONDS);
  assert.equal(await get(restarted), "invalid auth token");
  assert.equal(await get(other), "invalid auth token");
  await restarted.close();
  await other.close();
});

test("uses cost no write but when the last one written down is half a TTL old", async () => {
  const { clock, backend, adapter, get } = await signedIn();
  const before = backend.last;
  for (let use = 0; use < 100; use++) assert.equal(await get(adapter), "ok");
  assert.equal(backend.last, before);
  clock.pass(TTL_SECONDS * 0.6);
  for (let use = 0; use < 100; use++) assert.equal(await get(adapter), "ok");
  await settled(adapter);
  assert.equal(backend.last - before, 1n);
  await adapter.close();
});

test("a token dies with its password, with its user and with access control", async () => {
  const { adapter, token, root, get } = await signedIn();
  await adapter.call("userChangePassword", { name: "amy", password: "amy" }, root);
  assert.equal(await get(adapter), "invalid auth token");
  const second = { token: await adapter.token("amy", "amy") };
  assert.notEqual(second.token, token);
  await adapter.call("userDelete", { name: "amy" }, root);
  assert.equal(await outcome(adapter.call("range", { key }, second)), "invalid auth token");
  await adapter.call("userAdd", { name: "amy", password: "amy" }, root);
  assert.equal(await outcome(adapter.call("range", { key }, second)), "invalid auth token");
  await adapter.call("authDisable", {}, root);
  assert.equal(await outcome(adapter.call("range", { key }, { token: "garbage" })), "ok");
  await adapter.call("authEnable", {});
  assert.equal(await outcome(adapter.call("userList", {}, root)), "invalid auth token");
  await adapter.close();
});

test("a change of roles holds at once for a token that is out", async () => {
  const { adapter, root, get } = await signedIn();
  await adapter.call("userRevokeRole", { name: "amy", role: "amy" }, root);
  assert.equal(await get(adapter), "permission denied");
  await adapter.call("userGrantRole", { user: "amy", role: "amy" }, root);
  assert.equal(await get(adapter), "ok");
  await adapter.close();
});

test("a token that was tampered with is none", async () => {
  const { adapter, token } = await signedIn();
  const [payload, mac] = token.split(".") as [string, string];
  const bytes = Buffer.from(payload, "base64url");
  bytes.write("bob", bytes.length - 3);
  for (const forged of [
    `${bytes.toString("base64url")}.${mac}`,
    `${token}=`,
    `${payload}.`,
    payload,
    `.${mac}`,
    `${payload}.${mac}.1`,
  ]) {
    assert.equal(
      await outcome(adapter.call("range", { key }, { token: forged })),
      "invalid auth token",
      forged,
    );
  }
  assert.equal(await outcome(adapter.call("range", { key }, { authorization: `Bearer ${token}` })), "ok");
  assert.equal(await outcome(adapter.call("range", { key }, { token: `Bearer ${token}` })), "ok");
  await adapter.close();
});

test("passwords: empty ones are good, users without one can't sign in", async () => {
  const { adapter, root } = await signedIn();
  await adapter.call("userAdd", { name: "empty" }, root);
  await adapter.call("userAdd", { name: "none", options: { noPassword: true } }, root);
  const signIn = (name: string, password: string) =>
    outcome(adapter.call("authenticate", { name, password }));
  const failed = "authentication failed, invalid user ID or password";
  assert.equal(await signIn("empty", ""), "ok");
  assert.equal(await signIn("empty", "x"), failed);
  assert.equal(await signIn("nobody", "x"), failed);
  assert.equal(
    await signIn("none", ""),
    "auth: authentication failed, password was given for no password user",
  );
  await adapter.close();
});

/** Whatever was proposed before has been committed. */
async function settled(adapter: TestAdapter): Promise<void> {
  await adapter.api.store.committer.propose({ keys: [], bytes: 0, evaluate: () => undefined });
}
