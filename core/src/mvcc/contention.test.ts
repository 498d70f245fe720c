import assert from "node:assert/strict";
import { test } from "node:test";
import type { Commit, Head } from "../storage/index.js";
import { Contention } from "./contention.js";

const head = (sequence: bigint): Head => ({ sequence, revision: sequence, compacted: -1n });
const commit = (sequence: bigint): Commit => ({
  id: Buffer.alloc(16),
  base: head(sequence - 1n),
  head: head(sequence),
  revisions: [],
  registry: [],
});

function contentionAt(clock: { ms: number }): Contention {
  return new Contention(() => clock.ms);
}

test("a lone writer never waits for its turn, whatever it reads of its own", () => {
  const contention = contentionAt({ ms: 1_000 });
  contention.tries(commit(5n));
  contention.saw(head(5n));
  assert.equal(contention.isOn, false);
});

test("who loses a race waits for turns, until nobody else has written for a while", () => {
  const clock = { ms: 1_000 };
  const contention = contentionAt(clock);
  contention.tries(commit(5n));
  contention.lost();
  assert.equal(contention.isOn, true);
  clock.ms += 200;
  contention.tries(commit(6n));
  contention.saw(head(7n));
  clock.ms += 200;
  assert.equal(contention.isOn, true, "another has written since");
  clock.ms += 200;
  assert.equal(contention.isOn, false);
});

test("who does not write does not mind what others write", () => {
  const clock = { ms: 1_000 };
  const contention = contentionAt(clock);
  contention.saw(head(5n));
  assert.equal(contention.isOn, false);
  contention.tries(commit(6n));
  clock.ms += 1_000;
  contention.saw(head(9n));
  assert.equal(contention.isOn, false);
});
