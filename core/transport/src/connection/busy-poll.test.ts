import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { BusyPoll } from "./busy-poll.js";

const WINDOW_MS = 100;

let clock = { ms: 0 };

// What is awake would never sleep.
afterEach(() => {
  clock.ms += WINDOW_MS;
});

/** A poll whose client asks again after each of these times. */
async function pollAfter(...gapsMs: readonly number[]) {
  const poll = pollOn({ ms: 1_000 });
  for (const gap of gapsMs) {
    poll.flushed();
    clock.ms += gap;
    poll.heard();
    await turn();
  }
  poll.flushed();
  return poll;
}

function pollOn(ownClock: { ms: number }) {
  clock = ownClock;
  return new BusyPoll(WINDOW_MS, () => ownClock.ms);
}

test("for a client that asks again at once, the event loop stays awake for the window and no longer", async () => {
  const poll = await pollAfter(50);
  assert.equal(poll.isAwake, true);
  for (let turns = 0; turns < 10; turns++) await turn();
  assert.equal(poll.isAwake, true);
  clock.ms += WINDOW_MS;
  await turn();
  await turn();
  assert.equal(poll.isAwake, false);
});

test("a new request ends it, and its answer begins it again", async () => {
  const poll = await pollAfter(50);
  clock.ms += 10;
  poll.heard();
  await turn();
  await turn();
  assert.equal(poll.isAwake, false);
  poll.flushed();
  assert.equal(poll.isAwake, true);
});

test("for a client that takes its time the event loop sleeps, until one does not", async () => {
  assert.equal((await pollAfter(200)).isAwake, false);
  assert.equal((await pollAfter(50, 200)).isAwake, false);
  assert.equal((await pollAfter(200, 50)).isAwake, true);
});

test("a first request says nothing about the next", async () => {
  const poll = await pollAfter();
  assert.equal(poll.isAwake, false);
});

test("without a window it always sleeps", () => {
  const poll = new BusyPoll(0, () => 1_000);
  poll.flushed();
  poll.heard();
  poll.flushed();
  assert.equal(poll.isAwake, false);
});
