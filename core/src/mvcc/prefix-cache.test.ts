import assert from "node:assert/strict";
import { test } from "node:test";
import { type Answer, PrefixCache } from "./prefix-cache.js";
import { bytes } from "./testing.js";

const answer = (fields: string): Answer => ({ fields: bytes(fields), count: 1n, more: false });

const changed = (...keys: string[]) => [
  {
    revision: 9n,
    changes: keys.map((key, sub) => ({
      ...{ key: bytes(key), field: bytes(key), deleted: false, previous: 0n, lease: 0n, sub },
    })),
  },
];

function held(cache: PrefixCache, prefix: string, fields = prefix, shape = "av"): void {
  cache.fill(cache.place(prefix, shape, 1n), 1n, answer(fields));
}

test("a change of a key forgets the answers of its prefixes, and no others", () => {
  const cache = new PrefixCache();
  for (const prefix of ["", "/a", "/a/", "/a/b", "/ab", "/b"]) held(cache, prefix);
  held(cache, "/a/", "reversed", "dv");
  cache.apply(changed("/a/c"));
  const left = ["", "/a", "/a/", "/a/b", "/ab", "/b"].filter((prefix) => cache.has(prefix, "av"));
  assert.deepEqual(left, ["/a/b", "/ab", "/b"]);
  assert.equal(cache.has("/a/", "dv"), false);
  assert.deepEqual(cache.get("/b", "av"), answer("/b"));
});

test("what changes while an answer is read is not overlooked", () => {
  const cache = new PrefixCache();
  const place = cache.place("/a/", "av", 1n);
  cache.apply(changed("/a/c"));
  cache.fill(place, 2n, answer("old"));
  assert.equal(cache.has("/a/", "av"), false);
  const later = cache.place("/a/", "av", 9n);
  cache.fill(later, 8n, answer("read before"));
  assert.equal(cache.has("/a/", "av"), false);
  cache.fill(later, 9n, answer("new"));
  assert.deepEqual(cache.get("/a/", "av"), answer("new"));
});

test("the longest unused answers are forgotten first, and what is too large is never held", () => {
  const cache = new PrefixCache(40_000);
  for (const prefix of ["a", "b", "c", "d"]) held(cache, prefix, "x".repeat(9_000));
  cache.get("a", "av");
  held(cache, "e", "x".repeat(9_000));
  const left = ["a", "b", "c", "d", "e"].filter((prefix) => cache.has(prefix, "av"));
  assert.deepEqual(left, ["a", "c", "d", "e"]);
  held(cache, "f", "x".repeat(10_001));
  assert.equal(cache.has("f", "av"), false);
});

test("places that nothing came to are bounded too", () => {
  const cache = new PrefixCache(10_000);
  for (let number = 0; number < 1_000; number++) cache.place(`/${number}/`, "av", 1n);
  held(cache, "/a/");
  assert.deepEqual(cache.get("/a/", "av"), answer("/a/"));
  cache.clear();
  assert.equal(cache.has("/a/", "av"), false);
});

test("of one prefix a few answers are held, whatever is asked for", () => {
  const cache = new PrefixCache();
  for (let limit = 1; limit <= 1_000; limit++) held(cache, "/a/", `${limit}`, `av${limit}`);
  const left = Array.from({ length: 1_000 }, (_, index) => index + 1).filter((limit) =>
    cache.has("/a/", `av${limit}`),
  );
  assert.deepEqual(left, [993, 994, 995, 996, 997, 998, 999, 1_000]);
  const late = cache.place("/a/", "late", 1n);
  for (let limit = 1; limit <= 8; limit++) held(cache, "/a/", "x", `dv${limit}`);
  cache.fill(late, 1n, answer("late"));
  assert.equal(cache.has("/a/", "late"), false);
});
