import assert from "node:assert/strict";
import { test } from "node:test";
import { PageBudget, remainder } from "./pages.js";

test("a page is split by the size of its rows", () => {
  const budget = new PageBudget(1000, 1_000_000);
  assert.equal(budget.next(), 16);
  budget.took(16, 1600);
  assert.equal(budget.next(), 984);
  budget.took(984, 98_400);
  assert.equal(budget.next(), 0);
  const large = new PageBudget(1000, 1_000_000);
  large.took(16, 160_000);
  assert.equal(large.next(), 84);
  const huge = new PageBudget(1000, 1_000_000);
  huge.took(16, 16_000_000);
  assert.equal(huge.next(), 0, "one row at least was read, so the page may end");
});

test("a page goes on behind its last key", () => {
  const interval = { start: Buffer.from("a"), end: Buffer.from("z") };
  assert.deepEqual(remainder(interval, Buffer.from("k"), false), {
    start: Buffer.from("k\0"),
    end: interval.end,
  });
  assert.deepEqual(remainder(interval, Buffer.from("k"), true), {
    start: interval.start,
    end: Buffer.from("k"),
  });
});
