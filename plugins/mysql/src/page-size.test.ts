import assert from "node:assert/strict";
import { test } from "node:test";
import { MOST_PAGE_BYTES, PageSize } from "./page-size.js";

test("pages follow the size of the rows", () => {
  const size = new PageSize();
  assert.equal(size.rows(100), 100);
  assert.ok(size.rows(1_000_000) < 10_000);
  size.took(10, 10 << 20);
  assert.equal(size.rows(1_000), 4);
  for (let n = 0; n < 30; n++) size.took(10, 1_000);
  assert.ok(size.rows(1_000_000) > 10_000);
  size.took(0, 0);
  assert.ok(size.rows(10) > 0);
});

test("a page that was broken off is followed by smaller ones, down to a row", () => {
  const size = new PageSize();
  const before = size.rows(1_000_000);
  size.wasTooLarge(before);
  assert.ok(size.rows(1_000_000) * (MOST_PAGE_BYTES / before) <= MOST_PAGE_BYTES);
  for (let n = 0; n < 30; n++) size.wasTooLarge(1);
  assert.equal(size.rows(1_000_000), 1);
});
