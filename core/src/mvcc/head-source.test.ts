import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { pino } from "pino";
import type { Head, HeadListener, QueryStorage } from "../storage/index.js";
import { StorageError } from "../storage/index.js";
import type { Follower } from "./follower.js";
import { HeadSource } from "./head-source.js";

test("a push whose reading fails is read again, without another push", async () => {
  let listener: HeadListener | undefined;
  const storage = {
    shared: true,
    subscribe: async (given: HeadListener) => {
      listener = given;
      return async () => {};
    },
  } as unknown as QueryStorage;
  let failures = 3;
  let read = 0;
  const head: Head = { sequence: 1n, revision: 1n, compacted: -1n };
  const follower = {
    head,
    ageMs: Number.POSITIVE_INFINITY,
    catchUp: async () => {
      if (failures-- > 0) throw new StorageError("unavailable", "ordered by the test");
      read++;
    },
  } as unknown as Follower;
  const source = new HeadSource(storage, follower, pino({ level: "silent" }));
  await source.start();
  listener!.onMoved();
  await sleep(300);
  assert.ok(read >= 1, "nobody tried again");
  const soFar = read;
  await sleep(200);
  assert.equal(read, soFar, "it goes on asking, though the push works");
  listener!.onLost(new Error("ordered by the test"));
  await sleep(100);
  assert.ok(read > soFar, "it does not poll without a push");
  await source.close();
});
