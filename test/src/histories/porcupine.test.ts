import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { isRequired } from "../servers/index.js";
import type { History, KeyValue } from "./history.js";
import { askPorcupine, beginning } from "./porcupine.js";
import { a1, a2, get, good, kv, perform, put, remove, watch, written } from "./testing/histories.js";

async function expectIllegal(history: History, pattern: RegExp): Promise<void> {
  const { result, problems } = await askPorcupine(history);
  assert.equal(result, "Illegal");
  assert.match(problems.join("\n"), pattern);
}

async function expectOk(history: History): Promise<void> {
  const { result, problems } = await askPorcupine(history);
  assert.deepEqual([result, problems], ["Ok", []]);
}

const reads = (kvs: KeyValue[], revision: bigint) => ({ revision, results: [{ type: "get" as const, kvs }] });
const unseen = (history: History): History => ({ ...history, segments: [] });
const gone = (key: string, mod: bigint) => ({
  deleted: true,
  kv: { key, value: "", create: 0n, mod, version: 0n, lease: 0n },
});

// It is a Go program, as the etcd that tests compare with.
if (isRequired("etcd"))
  describe("porcupine finds", () => {
    test("nothing wrong with a good history, in which calls failed that were made or were not", async () => {
      const history = good();
      perform(history, [5, 15], put("b", "3"));
      perform(history, [5, 15], put("b", "4"));
      perform(history, [40, 50], get("a"), reads([a2], 3n));
      await expectOk(unseen(history));
      watch(history, [...written, [{ deleted: false, kv: kv("b", "4", 4n) }]]);
      await expectOk(history);
      perform(history, [200, 210], get("b"), reads([kv("b", "4", 4n)], 4n));
      await expectOk(unseen(history));
      await expectOk(history);
    });

    test("a failed write that shows before it was called", async () => {
      const history = good();
      perform(history, [40, 50], get("b"), reads([kv("b", "4", 4n)], 4n));
      perform(history, [60, 70], put("b", "4"));
      await expectIllegal(unseen(history), /behind 2 operations at revision 3/);
    });

    test("of a long history its beginning: what was under way then may be done or not", async () => {
      const history = good();
      perform(history, [25, 45], put("b", "4"), {
        revision: 4n,
        results: [{ type: "put", previous: undefined }],
      });
      perform(history, [30, 40], get("b"), reads([kv("b", "4", 4n)], 4n));
      perform(history, [60, 70], get("b"), reads([], 4n));
      watch(history, [...written, [{ deleted: false, kv: kv("b", "4", 4n) }]]);
      await expectIllegal(history, /./);
      const first = beginning(history, 4);
      assert.deepEqual(
        first.operations.map(({ outcome }) => outcome.type),
        ["ok", "ok", "ok", "ok"],
      );
      assert.deepEqual(
        first.segments.flatMap(({ deliveries }) => deliveries),
        [],
      );
      await expectOk(first);
      await expectOk(beginning(history, 3));
      assert.deepEqual(beginning(history, 3).operations.at(-1)!.outcome.type, "unknown");
    });

    test("a lost write", async () => {
      const history = good();
      perform(history, [40, 50], put("b", "5"), {
        revision: 4n,
        results: [{ type: "put", previous: undefined }],
      });
      await expectOk(unseen(history));
      perform(history, [60, 70], get("b"), reads([], 4n));
      await expectIllegal(unseen(history), /behind 3 operations at revision 4\nopen: .*Type:get Key:b/);
    });

    test("a stale read, and one from the future", async () => {
      const stale = good();
      perform(stale, [40, 50], get("a"), reads([a1], 2n));
      await expectIllegal(stale, /open: .*Type:get Key:a/);
      const early = good();
      perform(early, [11, 12], get("a"), reads([a2], 3n));
      await expectIllegal(early, /open: .*Type:get Key:a/);
    });

    test("a read that mixes two states", async () => {
      const history = good();
      const answer = reads([a1, kv("b", "3", 4n)], 4n);
      perform(history, [5, 60], put("b", "3"), {
        revision: 4n,
        results: [{ type: "put", previous: undefined }],
      });
      perform(history, [40, 50], { ...get("a"), success: [{ type: "get", key: "a", end: "c" }] }, answer);
      await expectIllegal(history, /open: .*Type:get Key:a End:c/);
    });

    test("a write that was made twice", async () => {
      const history = good();
      perform(history, [5, 15], put("b", "4"));
      const again = kv("b", "4", 5n, { create: 4n, version: 2n });
      perform(history, [40, 50], get("b"), reads([again], 5n));
      await expectIllegal(unseen(history), /open: .*Type:get Key:b/);
      watch(history, [
        ...written,
        [{ deleted: false, kv: kv("b", "4", 4n) }],
        [{ deleted: false, kv: again }],
      ]);
      await expectIllegal(history, /behind/);
    });

    test("two writes that were told the same revision", async () => {
      const history = good();
      perform(history, [40, 50], put("b", "4"), {
        revision: 3n,
        results: [{ type: "put", previous: undefined }],
      });
      await expectIllegal(history, /revision 3 was made twice/);
    });

    test("a compare-and-swap that should have failed", async () => {
      const history = good();
      const request = {
        ...put("a", "6"),
        compares: [{ key: "a", target: "mod" as const, operand: 2n }],
      };
      perform(history, [40, 50], request, { revision: 4n, results: [{ type: "put", previous: a2 }] });
      await expectIllegal(history, /open: .*Target:mod Operand:2/);
    });

    test("a deletion that only the end of a lease explains", async () => {
      const history = good();
      const leased = kv("l", "7", 4n, { lease: 9n });
      perform(history, [40, 50], put("l", "7", 9n), {
        revision: 4n,
        results: [{ type: "put", previous: undefined }],
      });
      watch(history, [...written, [{ deleted: false, kv: leased }], [gone("l", 5n)]]);
      await expectIllegal(history, /revision 5 is seen/);
      history.leases.push({
        ...{ id: 9n, ttlMs: 2_000, keepAlives: [], revoke: undefined },
        grant: { call: 0, return: 1, answer: 2n },
      });
      await expectOk(history);
      perform(history, [300, 310], put("m", "8", 9n), {
        revision: 6n,
        results: [{ type: "put", previous: undefined }],
      });
      await expectIllegal(history, /open: .*Type:put Key:m/);
      const deleted = good();
      watch(deleted, [...written, [gone("a", 4n)]]);
      await expectIllegal(deleted, /revision 4 is seen/);
      perform(deleted, [60, 70], remove("a"));
      await expectOk(deleted);
    });

    test("watchers that were shown something else than was written", async () => {
      const history = good();
      history.segments.length = 0;
      watch(history, [written[0]!, [{ deleted: false, kv: { ...a2, value: "3" } }]]);
      await expectIllegal(history, /behind 1 operations at revision 2/);
    });
  });
