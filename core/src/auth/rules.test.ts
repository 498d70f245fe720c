import assert from "node:assert/strict";
import { test } from "node:test";
import { outcome, READ, TestAdapter, WRITE } from "./testing.js";

const revisionOf = async (adapter: TestAdapter) => (await adapter.call("authStatus", {})).authRevision;

test("each change moves the auth revision by one, and what changes nothing does not", async () => {
  const adapter = await TestAdapter.open();
  assert.equal(await revisionOf(adapter), 1n);
  await adapter.call("userAdd", { name: "root", password: "" });
  await adapter.call("userGrantRole", { user: "root", role: "root" });
  assert.equal(await revisionOf(adapter), 3n);
  await adapter.call("userGrantRole", { user: "root", role: "root" });
  assert.equal(await revisionOf(adapter), 3n);
  await adapter.call("roleAdd", { name: "r" });
  await adapter.call("authDisable", {});
  assert.equal(await revisionOf(adapter), 4n);
  await adapter.call("authEnable", {});
  const root = { token: await adapter.token("root", "") };
  await adapter.call("authEnable", {}, root);
  assert.equal((await adapter.call("authStatus", {}, root)).authRevision, 4n);
  await adapter.call("authDisable", {}, root);
  assert.equal(await revisionOf(adapter), 5n);
  await adapter.close();
});

test("access control needs a root user with the root role, which need not exist", async () => {
  const adapter = await TestAdapter.open();
  assert.equal(await outcome(adapter.call("authEnable", {})), "root user does not exist");
  await adapter.call("userAdd", { name: "root", options: { noPassword: true } });
  assert.equal(await outcome(adapter.call("authEnable", {})), "root user does not have root role");
  await adapter.call("userGrantRole", { user: "root", role: "root" });
  assert.equal(await outcome(adapter.call("authEnable", {})), "ok");
  const root = { certificateName: "root" };
  assert.equal(await outcome(adapter.call("roleGet", { role: "root" }, root)), "role name not found");
  await adapter.call("roleAdd", { name: "root" }, root);
  const { perm } = await adapter.call("roleGet", { role: "root" }, root);
  const [shown] = perm as { permType: number; rangeEnd: Uint8Array }[];
  assert.deepEqual([shown?.permType, Buffer.from(shown!.rangeEnd)], [2, Buffer.from([0])]);
  for (const [method, request] of [
    ["userDelete", { name: "root" }],
    ["userRevokeRole", { name: "root", role: "root" }],
    ["roleDelete", { role: "root" }],
  ] as const) {
    assert.equal(await outcome(adapter.call(method, request, root)), "invalid auth management", method);
  }
  await adapter.close();
});

test("users and roles are refused what etcd refuses", async () => {
  const adapter = await TestAdapter.open();
  const answer = (method: string, request: Record<string, unknown>) => outcome(adapter.call(method, request));
  assert.equal(await answer("userAdd", {}), "user name is empty");
  assert.equal(
    await answer("userAdd", { name: "u", password: "x".repeat(73) }),
    "bcrypt: password length exceeds 72 bytes",
  );
  assert.equal(await answer("userAdd", { name: "u", password: "x".repeat(72) }), "ok");
  assert.equal(await answer("userAdd", { name: "u" }), "user name already exists");
  assert.equal(await answer("userGet", { name: "x" }), "user name not found");
  assert.equal(await answer("userDelete", { name: "x" }), "user name not found");
  assert.equal(await answer("userGrantRole", { user: "x", role: "r" }), "user name not found");
  assert.equal(await answer("userGrantRole", { user: "u", role: "r" }), "role name not found");
  assert.equal(await answer("userRevokeRole", { name: "u", role: "r" }), "role is not granted to the user");
  assert.equal(await answer("roleAdd", {}), "role name is empty");
  assert.equal(await answer("roleAdd", { name: "r" }), "ok");
  assert.equal(await answer("roleAdd", { name: "r" }), "role name already exists");
  assert.equal(await answer("roleGrantPermission", { name: "r" }), "permission not given");
  const perm = { permType: READ, key: Buffer.from("b"), rangeEnd: Buffer.from("a") };
  assert.equal(await answer("roleGrantPermission", { name: "r", perm }), "invalid auth management");
  assert.equal(
    await answer("roleRevokePermission", { role: "r", key: Buffer.from("b") }),
    "permission is not granted to the role",
  );
  assert.equal(await answer("authenticate", { name: "u", password: "x" }), "authentication is not enabled");
  await adapter.close();
});

test("deleting a role takes it from its users, and the same name made anew gives nothing back", async () => {
  const adapter = await TestAdapter.open();
  await adapter.enable({ amy: [[WRITE, "k"]] });
  const root = { token: await adapter.token("root", "root") };
  const amy = { token: await adapter.token("amy", "amy") };
  const write = () => outcome(adapter.call("put", { key: Buffer.from("k") }, amy));
  assert.equal(await write(), "ok");
  await adapter.call("roleDelete", { role: "amy" }, root);
  assert.equal(await write(), "permission denied");
  await adapter.call("roleAdd", { name: "amy" }, root);
  assert.deepEqual((await adapter.call("userGet", { name: "amy" }, root)).roles, []);
  await adapter.close();
});

test("names of any kind and length are kept apart", async () => {
  const adapter = await TestAdapter.open();
  const names = ["amy", "Amy", "amy ", "a\0", "~", "ö", "😀", "x".repeat(70_000), "../user"];
  for (const name of names) await adapter.call("userAdd", { name, options: { noPassword: true } });
  const { users } = await adapter.call("userList", {});
  const sorted = [...names].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  assert.deepEqual(users, sorted);
  await adapter.close();
});

test("beside a permission on the same key with another end, one is granted twice, as in etcd", async () => {
  const adapter = await TestAdapter.open();
  await adapter.call("roleAdd", { name: "r" });
  const grant = (permType: number, rangeEnd: string) =>
    adapter.call("roleGrantPermission", {
      name: "r",
      perm: { permType, key: Buffer.from("a"), rangeEnd: Buffer.from(rangeEnd) },
    });
  await grant(READ, "b");
  await grant(READ, "c");
  await grant(WRITE, "b");
  await grant(WRITE, "c");
  const { perm } = await adapter.call("roleGet", { role: "r" });
  const shown = (perm as { permType: number; rangeEnd: Uint8Array }[]).map(
    ({ permType, rangeEnd }) => `${permType}${Buffer.from(rangeEnd)}`,
  );
  assert.deepEqual(shown, ["1b", "0c", "1c"]);
  await adapter.close();
});
