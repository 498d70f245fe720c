import assert from "node:assert/strict";
import { test } from "node:test";
import { behind, newestOfEach, wholeGroups } from "./key-groups.js";

const FULL = Buffer.alloc(2_400, 0x61);
const NONE = Buffer.alloc(0);

const version = (prefix: Buffer, rest = "") => ({
  prefix,
  rest: Buffer.from(rest),
  field: NONE,
  deleted: false,
});

test("a group that may go on is left for the next page", () => {
  const short = version(Buffer.from("a"));
  const group = ["z", "a", "m"].map((rest) => version(FULL, rest));
  const whole = wholeGroups([short, ...group], 4, false)!;
  assert.deepEqual(whole.versions, [short]);
  assert.deepEqual(whole.last, short.prefix);
  assert.equal(wholeGroups(group, 3, false), undefined, "a larger page is needed");
  const all = wholeGroups([short, ...group], 5, true)!;
  assert.deepEqual(
    all.versions.map(({ rest }) => rest.toString()),
    ["z", "m", "a", ""],
  );
  assert.equal(all.last, undefined);
});

test("what is behind a group begins with another prefix", () => {
  const all = { start: NONE, end: null };
  assert.deepEqual(behind(all, Buffer.from("a"), false)?.start, Buffer.from("a\0"));
  const next = Buffer.from(FULL);
  next[2_399] = 0x62;
  assert.deepEqual(behind(all, FULL, false)?.start, next);
  assert.equal(behind(all, Buffer.alloc(2_400, 0xff), false), undefined);
  assert.deepEqual(behind(all, FULL, true)?.end, FULL);
  assert.equal(behind({ start: FULL, end: null }, FULL, true), undefined);
});

test("of a key's changes in a revision the last counts", () => {
  const row = (sub: number, deleted: number) => [
    Buffer.from("k"),
    NONE,
    NONE,
    sub,
    deleted,
    Buffer.from(`${sub}`),
  ];
  const [only, ...others] = newestOfEach([row(1, 1), row(2, 0), row(0, 0)]);
  assert.equal(others.length, 0);
  assert.deepEqual([only!.field.toString(), only!.deleted], ["2", false]);
});
