import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { BlockingBudget } from "./blocking-budget.js";

const FAST_MS = 0.5;

/** Blocks the thread whenever it may, for each of these times in turn; how much of the time that was, and how often. */
function run(times: readonly number[], otherwiseMs: number) {
  const budget = new BlockingBudget(FAST_MS);
  let nowMs = 1_000;
  let slowMs = 0;
  let allowed = 0;
  for (const ms of times) {
    if (budget.allows(nowMs)) {
      allowed++;
      budget.took(ms);
      if (ms > FAST_MS) slowMs += ms;
      nowMs += ms;
    } else {
      nowMs += otherwiseMs;
    }
  }
  return { allowed, slowMs, passedMs: nowMs - 1_000 };
}

test("a disk that is always fast is always written to on this thread", () => {
  assert.equal(run(new Array(1_000).fill(0.2), 0.3).allowed, 1_000);
});

test("one slow write among many does not make the others wait for another thread", () => {
  const times = Array.from({ length: 1_000 }, (_, index) => (index % 200 === 0 ? 4 : 0.2));
  assert.equal(run(times, 0.3).allowed, 1_000);
});

test("however slow the disk, the thread is blocked for a twentieth of the time and one burst at most", () => {
  const ms = fc.oneof(
    fc.double({ min: 0.1, max: 2, noNaN: true }),
    fc.double({ min: 2, max: 50, noNaN: true }),
  );
  fc.assert(
    fc.property(
      fc.array(ms, { maxLength: 500 }),
      fc.double({ min: 0.1, max: 10, noNaN: true }),
      (times, other) => {
        const { slowMs, passedMs } = run(times, other);
        const longest = Math.max(0, ...times);
        assert.ok(slowMs <= passedMs / 20 + 20 + longest, `${slowMs} of ${passedMs} ms`);
      },
    ),
  );
});
