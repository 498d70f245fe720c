import assert from "node:assert/strict";
import { test } from "node:test";
import { outcome, READ, READWRITE, TestAdapter, WRITE } from "./testing.js";

const key = (text: string) => Buffer.from(text, "latin1");

async function opened(): Promise<{ adapter: TestAdapter; as: (name: string) => Promise<{ token: string }> }> {
  const adapter = await TestAdapter.open();
  await adapter.enable({
    reader: [[READ, "a", "c"]],
    writer: [[WRITE, "a", "c"]],
    both: [[READWRITE, "a", "c"]],
  });
  return { adapter, as: async (name) => ({ token: await adapter.token(name, name) }) };
}

test("who shows nothing is told that the user name is empty, and a bad token is told at once", async () => {
  const { adapter } = await opened();
  const range = { key: key("a") };
  assert.equal(await outcome(adapter.call("range", range)), "user name is empty");
  assert.equal(await outcome(adapter.call("put", range)), "user name is empty");
  assert.equal(await outcome(adapter.call("leaseGrant", { TTL: 5n })), "user name is empty");
  assert.equal(await outcome(adapter.call("compact", { revision: 1n })), "user name is empty");
  assert.equal(await outcome(adapter.call("txn", {})), "ok");
  for (const token of ["", "garbage", "abcdefghijklmnop.99999999", "Bearer x"]) {
    assert.equal(await outcome(adapter.call("range", range, { token })), "invalid auth token", token);
    assert.equal(await outcome(adapter.call("put", range, { authorization: token })), "invalid auth token");
    assert.equal(await outcome(adapter.call("txn", {}, { token })), "invalid auth token");
  }
  assert.equal(await outcome(adapter.call("range", { key: key("") }, { token: "x" })), "key is not provided");
  const large = { key: key("a"), value: Buffer.alloc(2_000_000) };
  assert.equal(await outcome(adapter.call("put", large, { token: "x" })), "invalid auth token");
  await adapter.close();
});

test("each operation needs its permission, with prev_kv also that to read", async () => {
  const { adapter, as } = await opened();
  const [reader, writer, both, root] = await Promise.all([
    as("reader"),
    as("writer"),
    as("both"),
    as("root"),
  ]);
  const cases: [string, Record<string, unknown>, ...boolean[]][] = [
    ["range", { key: key("a") }, true, false, true],
    ["range", { key: key("a"), rangeEnd: key("c") }, true, false, true],
    ["range", { key: key("a"), rangeEnd: key("c\0") }, false, false, false],
    ["range", { key: key("a"), rangeEnd: key("\0") }, false, false, false],
    ["put", { key: key("b") }, false, true, true],
    ["put", { key: key("b"), prevKv: true }, false, false, true],
    ["put", { key: key("c") }, false, false, false],
    ["deleteRange", { key: key("a"), rangeEnd: key("c") }, false, true, true],
    ["deleteRange", { key: key("a"), rangeEnd: key("c"), prevKv: true }, false, false, true],
    ["compact", { revision: 0n }, false, false, false],
    ["leaseGrant", { TTL: 9n }, true, true, true],
  ];
  for (const [method, request, ...allowed] of cases) {
    for (const [index, caller] of [reader, writer, both, root].entries()) {
      const wanted = index === 3 || allowed[index] ? "ok" : "permission denied";
      const what = `${method} ${JSON.stringify(request, (_, v) => String(v))} ${index}`;
      assert.equal(await outcome(adapter.call(method, request, caller)), wanted, what);
    }
  }
  await adapter.close();
});

test("a transaction needs what both of its branches do, nested ones too", async () => {
  const { adapter, as } = await opened();
  const [reader, both] = await Promise.all([as("reader"), as("both")]);
  const put = (name: string) => ({ request: { case: "requestPut", value: { key: key(name) } } });
  const get = (name: string) => ({ request: { case: "requestRange", value: { key: key(name) } } });
  const nested = (...success: object[]) => ({ request: { case: "requestTxn", value: { success } } });
  const compare = (name: string) => [{ key: key(name), targetUnion: { case: "version", value: 0n } }];
  const as2 = (request: Record<string, unknown>, caller: { token: string }) =>
    outcome(adapter.call("txn", request, caller));
  assert.equal(await as2({ compare: compare("a"), success: [get("b")] }, reader), "ok");
  assert.equal(await as2({ compare: compare("z") }, reader), "permission denied");
  assert.equal(await as2({ compare: compare("a"), success: [put("a")] }, both), "ok");
  assert.equal(await as2({ success: [get("a")], failure: [put("z")] }, both), "permission denied");
  assert.equal(await as2({ success: [nested(put("a"), nested(put("z")))] }, both), "permission denied");
  assert.equal(await as2({ success: [nested(put("a"), nested(get("b")))] }, both), "ok");
  await adapter.close();
});

test("a lease is guarded by the keys that are on it", async () => {
  const { adapter, as } = await opened();
  const [reader, both, root] = await Promise.all([as("reader"), as("both"), as("root")]);
  const { ID } = (await adapter.call("leaseGrant", { TTL: 100n, ID: 77n }, both)) as { ID: bigint };
  await adapter.call("put", { key: key("z"), lease: ID }, root);
  assert.equal(await outcome(adapter.call("put", { key: key("a"), lease: ID }, both)), "permission denied");
  assert.equal(await outcome(adapter.call("leaseRevoke", { ID }, both)), "permission denied");
  assert.equal(await outcome(adapter.call("leaseTimeToLive", { ID }, both)), "ok");
  assert.equal(await outcome(adapter.call("leaseTimeToLive", { ID, keys: true }, both)), "permission denied");
  assert.equal(await outcome(adapter.call("leaseLeases", {}, both)), "permission denied");
  await adapter.call("put", { key: key("z") }, root);
  await adapter.call("put", { key: key("a"), lease: ID }, both);
  assert.equal(await outcome(adapter.call("leaseTimeToLive", { ID, keys: true }, reader)), "ok");
  assert.equal(await outcome(adapter.call("leaseRevoke", { ID }, reader)), "permission denied");
  assert.equal(await outcome(adapter.call("leaseLeases", {}, reader)), "ok");
  assert.equal(await outcome(adapter.call("leaseRevoke", { ID }, both)), "ok");
  assert.equal(await outcome(adapter.call("leaseRevoke", { ID }, both)), "requested lease not found");
  await adapter.close();
});

test("a certificate's name is the user", async () => {
  const { adapter } = await opened();
  const range = { key: key("a") };
  assert.equal(await outcome(adapter.call("range", range, { certificateName: "reader" })), "ok");
  assert.equal(
    await outcome(adapter.call("range", range, { certificateName: "nobody" })),
    "permission denied",
  );
  assert.equal(
    await outcome(adapter.call("userList", {}, { certificateName: "nobody" })),
    "user name not found",
  );
  assert.equal(await outcome(adapter.call("range", range, { certificateName: "" })), "permission denied");
  await adapter.close();
});

test("users see themselves and their roles, and administrate nothing", async () => {
  const { adapter, as } = await opened();
  const reader = await as("reader");
  assert.deepEqual((await adapter.call("userGet", { name: "reader" }, reader)).roles, ["reader"]);
  assert.equal(await outcome(adapter.call("userGet", { name: "both" }, reader)), "permission denied");
  assert.equal(await outcome(adapter.call("roleGet", { role: "reader" }, reader)), "ok");
  assert.equal(await outcome(adapter.call("roleGet", { role: "both" }, reader)), "permission denied");
  for (const method of ["authDisable", "authEnable", "authStatus", "userList", "roleList"]) {
    assert.equal(await outcome(adapter.call(method, {}, reader)), "permission denied", method);
  }
  assert.equal(
    await outcome(adapter.call("userChangePassword", { name: "reader", password: "x" }, reader)),
    "permission denied",
  );
  await adapter.close();
});
