import assert from "node:assert/strict";
import { test } from "node:test";
import { isValidRange, type KeyRange, KeyRanges } from "./key-ranges.js";

const range = (key: string, rangeEnd = ""): KeyRange => ({
  key: Buffer.from(key, "latin1"),
  rangeEnd: Buffer.from(rangeEnd, "latin1"),
});

function cover(ranges: KeyRange[], key: string, rangeEnd = ""): boolean {
  const asked = range(key, rangeEnd);
  return new KeyRanges(ranges).cover(Buffer.from(asked.key), Buffer.from(asked.rangeEnd));
}

test("a single key is covered, not what begins with it", () => {
  const ranges = [range("foo")];
  assert.equal(cover(ranges, "foo"), true);
  assert.equal(cover(ranges, "foo", "foo\0"), true);
  assert.equal(cover(ranges, "fooo"), false);
  assert.equal(cover(ranges, "foo", "fop"), false);
  assert.equal(cover([], "foo"), false);
});

test("ranges that overlap or touch count as one", () => {
  const ranges = [range("c", "e"), range("a", "b"), range("b", "c"), range("d", "f")];
  assert.equal(cover(ranges, "a", "f"), true);
  assert.equal(cover(ranges, "a", "g"), false);
  assert.equal(cover([range("a", "b"), range("b\0", "c")], "a", "c"), false);
  assert.equal(cover([range("a", "b"), range("b"), range("b\0", "c")], "a", "c"), true);
});

test("a range inside of another does not shorten it", () => {
  assert.equal(cover([range("a", "z"), range("b", "c")], "a", "z"), true);
  assert.equal(cover([range("a", "\0"), range("b", "c")], "x", "\0"), true);
});

test("an open end is covered by an open end alone", () => {
  assert.equal(cover([range("a", "\0")], "b", "\0"), true);
  assert.equal(cover([range("a", "\0")], "b", "zz"), true);
  assert.equal(cover([range("a", "\xff\xff\xff")], "b", "\0"), false);
  assert.equal(cover([range("b", "\0")], "a", "\0"), false);
  assert.equal(cover([range("\0", "\0")], "\0", "\0"), true);
});

test("of an inverted range the first key decides", () => {
  assert.equal(cover([range("m", "p")], "n", "a"), true);
  assert.equal(cover([range("m", "p")], "n", "n"), true);
  assert.equal(cover([range("m", "p")], "q", "a"), false);
});

test("a search finds its interval among many", () => {
  const name = (index: number) => String(index).padStart(4, "0");
  const ranges = new KeyRanges(Array.from({ length: 1_000 }, (_, index) => range(name(index * 2))));
  for (let index = 0; index < 2_000; index++) {
    const covered = ranges.cover(Buffer.from(name(index)), Buffer.alloc(0));
    assert.equal(covered, index % 2 === 0, name(index));
  }
});

test("a permission's range has a key and does not run backwards", () => {
  assert.equal(isValidRange(range("a")), true);
  assert.equal(isValidRange(range("a", "b")), true);
  assert.equal(isValidRange(range("a", "\0")), true);
  assert.equal(isValidRange(range("a", "a")), false);
  assert.equal(isValidRange(range("b", "a")), false);
  assert.equal(isValidRange(range("", "\0")), false);
  assert.equal(isValidRange(range("")), false);
});
