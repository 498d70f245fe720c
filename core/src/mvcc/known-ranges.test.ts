import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ProcessLogBackend } from "../storage/log/index.js";
import type { RangeOperation } from "./operations.js";
import type { Store } from "./store.js";
import { del, openStore, put, range } from "./testing.js";

const next = (prefix: string) =>
  prefix.slice(0, -1) + String.fromCharCode(prefix.charCodeAt(prefix.length - 1) + 1);
const all = (prefix: string, more: Partial<RangeOperation> = {}) =>
  prefix === "" ? range("\0", "\0", more) : range(prefix, next(prefix), more);

/** How often the storage was asked for a range. */
function counted(store: Store): () => number {
  let asked = 0;
  const { storage } = store;
  const { range: original } = storage;
  storage.range = (query) => {
    asked++;
    return original.call(storage, query);
  };
  return () => asked;
}

test("what was read or written is not asked for again, until somebody changes it", async () => {
  const backend = new ProcessLogBackend();
  const [store, other] = [await openStore(backend), await openStore(backend)];
  for (const key of ["/a/1", "/a/2", "/b/1"]) await store.put(put(key, "x"));
  const asked = counted(store);
  const operations = [
    ...[all("/a/"), all("/a/", { keysOnly: true }), all("/a/", { limit: 1n }), all("")],
    ...[all("/a/", { sortOrder: "descend" }), all("/a/", { countOnly: true }), all("/b/")],
  ];
  const first = await Promise.all(operations.map((operation) => store.range(operation)));
  assert.equal(asked(), operations.length);
  assert.deepEqual(await Promise.all(operations.map((operation) => store.range(operation))), first);
  assert.equal((await store.range(range("/a/1"))).count, 1n);
  assert.equal(asked(), operations.length);

  await other.put(put("/a/3", "x"));
  const second = await Promise.all(operations.map((operation) => store.range(operation)));
  assert.deepEqual(
    second.map(({ count }) => count),
    [3n, 3n, 3n, 4n, 3n, 3n, 1n],
  );
  assert.equal(asked(), operations.length + 6);
  await Promise.all([store.close(), other.close()]);
});

test("ranges that are no prefix, or filter, sort or look back, are the storage's to answer", async () => {
  const store = await openStore();
  await store.put(put("/a/1", "x"));
  const asked = counted(store);
  const operations = [
    ...[range("/a/", "/c"), range("/a/", "\0"), range("/a/", "/"), range("/a/", "/a")],
    ...[all("/a/", { sortTarget: "mod" }), all("/a/", { minModRevision: 1n }), all("/a/", { revision: 2n })],
  ];
  for (const operation of operations) await store.range(operation);
  const before = asked();
  for (const operation of operations) await store.range(operation);
  assert.equal(asked(), 2 * before);
  await store.close();
});

const key = fc.constantFrom("/a", "/a/", "/a/1", "/a/2", "/ab", "/b", "\xff", "\0", "\xffa");
const prefix = fc.constantFrom("", "/", "/a", "/a/", "/a/1", "/b", "\0", "\xfe");
const shape = fc.record({
  limit: fc.constantFrom(0n, 1n, 2n, -1n),
  keysOnly: fc.boolean(),
  countOnly: fc.boolean(),
  serializable: fc.boolean(),
  sortOrder: fc.constantFrom("none", "ascend", "descend"),
} as const);
const step = fc.oneof(
  fc.record({ does: fc.constant("put" as const), key, at: fc.nat(1) }),
  fc.record({ does: fc.constant("delete" as const), key, at: fc.nat(1) }),
  fc.record({ does: fc.constant("range" as const), prefix, shape, at: fc.nat(1) }),
  fc.record({ does: fc.constant("get" as const), key, shape, at: fc.nat(1) }),
);

test("every answer is what the storage has at the answer's revision, whoever writes meanwhile", async () => {
  const turns = fc.array(fc.array(step, { minLength: 1, maxLength: 6 }), { minLength: 1, maxLength: 25 });
  await fc.assert(
    fc.asyncProperty(turns, async (plan) => {
      const backend = new ProcessLogBackend();
      const stores = [await openStore(backend), await openStore(backend)] as const;
      let acknowledged = 1n;
      for (const turn of plan) {
        const before = acknowledged;
        const done = turn.map(async (each) => {
          const store = stores[each.at]!;
          if (each.does === "put" || each.does === "delete") {
            const write =
              each.does === "put" ? store.put(put(each.key, "x")) : store.deleteRange(del(each.key));
            const { revision } = await write;
            if (revision > acknowledged) acknowledged = revision;
            return;
          }
          const operation =
            each.does === "get" ? range(each.key, "", each.shape) : all(each.prefix, each.shape);
          const { revision, ...answer } = await store.range(operation);
          if (!operation.serializable) assert.ok(revision >= before, `${revision} is older than ${before}`);
          const { revision: _, ...expected } = await store.range({ ...operation, revision });
          assert.deepEqual(answer, expected);
        });
        await Promise.all(done);
      }
      await Promise.all(stores.map((store) => store.close()));
    }),
    { numRuns: 300 },
  );
});
