import assert from "node:assert/strict";
import { test } from "node:test";
import { check } from "./check.js";
import { requestOf } from "./client.js";
import type { Change, History, KeyValue, Request } from "./history.js";
import { a1, a2, get, good, kv, perform, put, remove, watch, written } from "./testing/histories.js";

function expectProblem(history: History, pattern: RegExp): void {
  assert.match(check(history).problems.join("\n"), pattern);
}

test("a good history passes, with an unknown write that happened, and one that did not", () => {
  const history = good();
  perform(history, [5, 15], put("b", "3"));
  perform(history, [5, 15], put("b", "4"));
  perform(history, [40, 50], get("a"), { revision: 3n, results: [{ type: "get", kvs: [a2] }] });
  watch(history, [...written, [{ deleted: false, kv: kv("b", "4", 4n) }]]);
  const { problems, recovered } = check(history);
  assert.deepEqual([problems, recovered], [[], 1]);
});

test("a stale read, and one from the future", () => {
  const stale = good();
  perform(stale, [40, 50], get("a"), { revision: 2n, results: [{ type: "get", kvs: [a1] }] });
  expectProblem(stale, /revision 3 was reached before this was called/);
  const early = good();
  perform(early, [11, 12], get("a"), { revision: 3n, results: [{ type: "get", kvs: [a2] }] });
  expectProblem(early, /revision 3 was reached before this was called.*"put"/);
});

test("a serializable read may be stale, but not go back on its adapter, nor hold another state", () => {
  const read = (revision: bigint, kvs: KeyValue[], at: number, incarnation: string) => {
    const history = good();
    const request = { ...get("a"), serializable: true };
    perform(history, [at, at + 1], request, { revision, results: [{ type: "get", kvs }] }, incarnation);
    return history;
  };
  assert.deepEqual(check(read(2n, [a1], 40, "1.0")).problems, []);
  expectProblem(read(2n, [a1], 40, "0.0"), /the same adapter had answered at revision 3/);
  expectProblem(read(2n, [a2], 40, "1.0"), /the state at 2 gives/);
});

test("a lost write, and one that was made twice", () => {
  const lost = good();
  perform(lost, [40, 50], put("b", "5"), { revision: 4n, results: [{ type: "put", previous: undefined }] });
  expectProblem(lost, /tells of revision 4, the last is 3/);
  const twice = good();
  perform(twice, [5, 15], put("b", "4"));
  const again = kv("b", "4", 5n, { create: 4n, version: 2n });
  watch(twice, [...written, [{ deleted: false, kv: kv("b", "4", 4n) }], [{ deleted: false, kv: again }]]);
  expectProblem(twice, /revision 5.*was made by nobody/);
});

test("a compare-and-swap that should have failed", () => {
  const history = good();
  const swap: Request = {
    ...requestOf("txn", [{ type: "put", key: "a", value: "6", lease: 0n }]),
    compares: [{ key: "a", target: "mod", operand: 2n }],
  };
  perform(history, [40, 50], swap, { revision: 4n, results: [{ type: "put", previous: a2 }] });
  watch(history, [...written, [{ deleted: false, kv: kv("a", "6", 4n, { create: 2n, version: 3n }) }]]);
  expectProblem(history, /the state at 3 gives/);
});

const others = { ...kv("b", "3", 4n) };
const batch: Change[] = [
  { deleted: false, kv: others },
  { deleted: true, kv: { ...kv("a", "", 4n), create: 0n, version: 0n } },
];

/** A third revision that changes two keys, and a second watcher that is to see all of it. */
function watched(): { history: History; segment: History["segments"][number] } {
  const history = good();
  const both: Request = requestOf("txn", [
    { type: "put", key: "b", value: "3", lease: 0n },
    { type: "delete", key: "a", end: "" },
  ]);
  perform(history, [40, 50], both, {
    revision: 4n,
    results: [
      { type: "put", previous: undefined },
      { type: "delete", previous: [a2] },
    ],
  });
  history.segments.length = 0;
  watch(history, [...written, batch]);
  watch(history, [...written, batch]);
  assert.deepEqual(check(history).problems, []);
  return { history, segment: history.segments[1]! };
}

test("watch, ordered: a revision after a later one", () => {
  const { history, segment } = watched();
  segment.deliveries.reverse();
  expectProblem(history, /not ordered: saw revision 3 after 4/);
});

test("watch, unique: a revision twice", () => {
  const { history, segment } = watched();
  segment.deliveries.push(segment.deliveries[2]!);
  expectProblem(history, /not unique: saw revision 4 again/);
});

test("watch, reliable: a revision left out", () => {
  const { history, segment } = watched();
  segment.deliveries.splice(1, 1);
  expectProblem(history, /not reliable: did not see revision 3, having started at 2/);
  const unseen = good();
  unseen.segments[0]!.deliveries.splice(0, 1);
  expectProblem(unseen, /no watcher saw revisions 2 to 2/);
});

test("watch, atomic: half of a revision, or its changes in two messages", () => {
  const half = watched();
  half.segment.deliveries[2] = { ...half.segment.deliveries[2]!, changes: batch.slice(0, 1) };
  expectProblem(half.history, /not atomic: saw .*as revision 4/);
  const split = watched();
  const last = split.segment.deliveries[2]!;
  split.segment.deliveries.splice(2, 1, ...batch.map((change) => ({ ...last, changes: [change] })));
  expectProblem(split.history, /not atomic: saw .*as revision 4.*\n.*not unique: saw revision 4 again/);
});

test("watch, resumable: a new stream that does not go on where the old one ended", () => {
  const { history, segment } = watched();
  history.segments[1] = { ...segment, gapless: true, deliveries: segment.deliveries.slice(0, 1) };
  history.segments.push({ ...segment, gapless: true, from: 4n, deliveries: segment.deliveries.slice(2) });
  expectProblem(history, /not resumable, never saw revision 3/);
});

test("watch, bookmarkable: progress that runs ahead of the events", () => {
  const { history, segment } = watched();
  segment.progress.push({ revision: 3n, after: 2 });
  assert.deepEqual(check(history).problems, []);
  segment.progress.push({ revision: 4n, after: 2 });
  expectProblem(history, /not bookmarkable, progress 4 ran ahead: did not see revision 4/);
  const silent = watched();
  silent.segment.deliveries.length = 0;
  silent.segment.progress.push({ revision: 2n, after: 0 });
  expectProblem(silent.history, /not bookmarkable, progress 2 ran ahead: did not see revision 2/);
});

test("watch, filtered: only what was asked for, and all of it", () => {
  const { history, segment } = watched();
  const deletions = segment.deliveries.slice(2).map((one) => ({ ...one, changes: batch.slice(1) }));
  history.segments.push({ ...segment, filter: "puts", deliveries: deletions });
  assert.deepEqual(check(history).problems, []);
  history.segments.push({ ...segment, filter: "puts", deliveries: segment.deliveries.slice(2) });
  expectProblem(history, /not atomic: saw/);
});

test("a deletion without an author; a lease that ends early, twice, or without being granted", () => {
  const gone = (key: string, mod: bigint): Change => ({
    deleted: true,
    kv: { key, value: "", create: 0n, mod, version: 0n, lease: 0n },
  });
  const unexplained = good();
  watch(unexplained, [...written, [gone("a", 4n)]]);
  expectProblem(unexplained, /revision 4.*made by nobody/);
  perform(unexplained, [60, 70], remove("a"));
  assert.deepEqual(check(unexplained).problems, []);

  const leased = good();
  perform(leased, [40, 50], put("l", "7", 9n), {
    revision: 4n,
    results: [{ type: "put", previous: undefined }],
  });
  watch(leased, [...written, [{ deleted: false, kv: kv("l", "7", 4n, { lease: 9n }) }], [gone("l", 5n)]]);
  expectProblem(leased, /lease 9.*never granted/);
  const grant = { call: -3_000, return: -2_990, answer: 2n };
  leased.leases.push({ id: 9n, ttlMs: 2_000, grant, keepAlives: [], revoke: undefined });
  assert.deepEqual(check(leased).problems, []);
  leased.leases[0]!.keepAlives.push({ call: -1_000, return: -990, answer: 2n });
  expectProblem(leased, /ended at revision 5 at 103, 897 ms early/);
});
