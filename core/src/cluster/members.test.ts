import assert from "node:assert/strict";
import { test } from "node:test";
import { pino } from "pino";
import type { Store } from "../mvcc/store.js";
import { openStore } from "../mvcc/testing.js";
import { ProcessLogBackend } from "../storage/log/index.js";
import { Members } from "./members.js";

const logger = pino({ level: "silent" });

function join(
  store: Store,
  name: string,
  more: { renewalMs?: number; silenceMs?: number } = {},
): Promise<Members> {
  return Members.join(store, { name, clientUrls: [`http://${name}:2379`], ...more }, logger);
}

async function names(members: Members): Promise<string[]> {
  return (await members.list(true)).map(({ name }) => name).sort();
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 10));
}

test("all adapters of a backend list those that are there now", async () => {
  const backend = new ProcessLogBackend();
  const stores = await Promise.all([openStore(backend), openStore(backend)]);
  const a = await join(stores[0]!, "a");
  const b = await join(stores[1]!, "b");
  assert.equal(a.identity.clusterId, b.identity.clusterId);
  assert.deepEqual(await names(a), ["a", "b"]);
  assert.deepEqual(await names(b), ["a", "b"]);
  const [listed] = (await b.list(true)).filter(({ name }) => name === "a");
  assert.deepEqual(
    [listed?.id, listed?.clientUrls, listed?.peerUrls],
    [a.identity.memberId, ["http://a:2379"], ["http://a:2379"]],
  );
  await a.close();
  assert.deepEqual(await names(b), ["b"]);
  await b.close();
  await Promise.all(stores.map((store) => store.close()));
});

test("a member that fell silent is removed, and returns with its next renewal", async () => {
  const backend = new ProcessLogBackend();
  const stores = await Promise.all([openStore(backend), openStore(backend)]);
  const silent = await join(stores[0]!, "silent", { renewalMs: 3_600_000 });
  const lively = await join(stores[1]!, "lively", { renewalMs: 20, silenceMs: 100 });
  assert.deepEqual(await names(lively), ["lively", "silent"]);
  await until(async () => (await names(lively)).length === 1);
  assert.deepEqual(await names(silent), ["lively"]);
  await silent.announce(["http://elsewhere:2379"]);
  assert.deepEqual(await names(lively), ["lively", "silent"]);
  await silent.close();
  await lively.close();
  await Promise.all(stores.map((store) => store.close()));
});

test("a member has the same id after a restart, and one that is alike in everything has another", async () => {
  const backend = new ProcessLogBackend();
  const store = await openStore(backend);
  const first = await join(store, "same");
  const twin = await join(store, "same");
  assert.notEqual(first.identity.memberId, twin.identity.memberId);
  await first.close();
  const again = await join(store, "same");
  assert.equal(again.identity.memberId, first.identity.memberId);
  await Promise.all([twin.close(), again.close()]);
  await store.close();
});
