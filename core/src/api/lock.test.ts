import assert from "node:assert/strict";
import { test } from "node:test";
import { Code } from "../errors.js";
import {
  LockRequestSchema,
  LockResponseSchema,
  UnlockRequestSchema,
  UnlockResponseSchema,
} from "../gen/v3lockpb/lock_pb.js";
import { openStore, range, shown } from "../mvcc/testing.js";
import { ProcessLogBackend } from "../storage/log/index.js";
import { callContext, callUnary, openApi, type TestApi } from "./testing.js";

const NAME = Buffer.from("name");

function lock(api: TestApi, lease: bigint, context = callContext()) {
  return callUnary(api, LockRequestSchema, LockResponseSchema, { name: NAME, lease }, context);
}

function unlock(api: TestApi, key: Uint8Array) {
  return callUnary(api, UnlockRequestSchema, UnlockResponseSchema, { key });
}

async function waiting(api: TestApi): Promise<string[]> {
  return shown((await api.store.range(range("name/", "name0"))).fields).map((row) => row.split("=")[0]!);
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 5));
}

test("a lock goes from one to the next in the order of asking, across adapters", async () => {
  const backend = new ProcessLogBackend();
  const stores = await Promise.all([openStore(backend), openStore(backend)]);
  const a = await openApi(stores[0]!, "a");
  const b = await openApi(stores[1]!, "b");
  const order: string[] = [];
  for (const id of [16n, 17n, 18n]) await a.store.lessor.grant(id, 600n);
  const first = await lock(a, 16n);
  assert.equal(Buffer.from(first.key).toString(), "name/10");
  assert.equal((await lock(a, 16n)).header?.revision, first.header?.revision);
  const second = lock(b, 17n).then(({ key }) => {
    order.push("second");
    return key;
  });
  await until(async () => (await waiting(a)).length === 2);
  const third = lock(a, 18n).then(({ key }) => {
    order.push("third");
    return key;
  });
  await until(async () => (await waiting(a)).length === 3);
  assert.deepEqual(order, []);
  await unlock(b, first.key);
  await unlock(a, await second);
  await unlock(a, await third);
  assert.deepEqual(order, ["second", "third"]);
  await unlock(a, first.key);
  await Promise.all([a.close(), b.close()]);
});

test("who stops waiting leaves no key behind, and whose lease ends is passed over", async () => {
  const api = await openApi(await openStore());
  for (const id of [1n, 2n, 3n, 4n]) await api.store.lessor.grant(id, 600n);
  const { key } = await lock(api, 1n);
  const controller = new AbortController();
  const canceled = lock(api, 2n, callContext(controller.signal));
  await until(async () => (await waiting(api)).length === 2);
  const lost = lock(api, 3n);
  await until(async () => (await waiting(api)).length === 3);
  const patient = lock(api, 4n);
  await until(async () => (await waiting(api)).length === 4);
  controller.abort();
  await assert.rejects(canceled, { code: Code.canceled });
  assert.deepEqual(await waiting(api), ["name/1", "name/3", "name/4"]);
  await api.store.lessor.revoke(3n);
  await unlock(api, key);
  await assert.rejects(lost, { code: Code.unknown, message: "mutex: session is expired" });
  assert.equal(Buffer.from((await patient).key).toString(), "name/4");
  await api.close();
});

test("errors lose their codes, and without a lease there is one for 60 seconds", async () => {
  const api = await openApi(await openStore());
  await assert.rejects(lock(api, 99n), {
    code: Code.unknown,
    message: "etcdserver: requested lease not found",
  });
  await assert.rejects(unlock(api, Buffer.alloc(0)), {
    code: Code.unknown,
    message: "etcdserver: key is not provided",
  });
  const { key } = await lock(api, 0n);
  const lease = BigInt(`0x${Buffer.from(key).toString().slice("name/".length)}`);
  assert.equal((await api.store.lessor.timeToLive(lease, false)).grantedSeconds, 60n);
  await api.close();
});
