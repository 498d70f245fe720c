import assert from "node:assert/strict";
import { del, put } from "./draft.js";
import { expectChanges } from "./expect.js";
import { readChanges, rejectsWith } from "./reading.js";
import type { Define, Scene } from "./scene.js";

const ALL = { after: 0n, interval: null, limit: 1000, previous: false };

export function changesTests(define: Define): void {
  define("changes are all of them, in order, with the versions before", async (scene) => {
    await writeHistory(scene);
    await expectChanges(scene.storage, scene.model);
  });

  define("changes of any part of the log", async (scene) => {
    await writeHistory(scene);
    const newest = scene.model.head.revision;
    for (let after = 0n; after <= newest; after += 3n) {
      for (let through = after; through <= newest; through += 4n) {
        await expectChanges(scene.storage, scene.model, { after, through, limit: 3 });
      }
    }
    const empty = await scene.storage.changes({ ...ALL, after: newest, through: newest });
    assert.deepEqual(empty, { revisions: [], through: newest });
  });

  define("a page ends with a whole revision and holds one at least", async (scene) => {
    await scene.write(Array.from({ length: 50 }, (_, n) => put(`k${n}`, "1")));
    await scene.write([put("a", "1")], [put("b", "1")]);
    const { revision } = scene.model.head;
    const first = await scene.storage.changes({ ...ALL, limit: 1, through: revision });
    assert.equal(first.revisions.length, 1);
    assert.equal(first.revisions[0]!.changes.length, 50);
    assert.equal(first.through, 2n);
    const rest = await scene.storage.changes({ ...ALL, after: 2n, through: revision });
    assert.deepEqual(rest.through, revision);
    assert.equal(rest.revisions.length, 2);
    for (const limit of [1, 2, 49, 50, 51, 1000]) await expectChanges(scene.storage, scene.model, { limit });
  });

  define("changes of an interval, each with its place in the whole revision", async (scene) => {
    await writeHistory(scene);
    for (const [start, end] of [
      ["b", "c"],
      ["a", "a\x00"],
      ["b", null],
      ["x", "z"],
      ["c", "a"],
      ["", "b"],
    ] as const) {
      const interval = { start: Buffer.from(start), end: end === null ? null : Buffer.from(end) };
      for (const limit of [1, 100]) await expectChanges(scene.storage, scene.model, { interval, limit });
    }
  });

  define("the version before comes only when asked for", async (scene) => {
    await scene.write([put("a", "1")], [put("a", "2")]);
    const revisions = await readChanges(scene.storage, { ...ALL, through: 3n });
    for (const { changes } of revisions)
      for (const change of changes) assert.equal(change.previousField, undefined);
  });

  define("changes above the head are refused", async (scene) => {
    await scene.write([put("a", "1")]);
    await rejectsWith("future", scene.storage.changes({ ...ALL, through: 3n }));
    await expectChanges(scene.storage, scene.model, { after: 1n });
  });

  define("commits without revisions leave no trace in the changes", async (scene) => {
    await scene.write([put("a", "1")]);
    await scene.register({ r: "1" });
    await scene.write([put("a", "2")]);
    await expectChanges(scene.storage, scene.model);
  });
}

/** Puts, deletions, new creations and leases over a few keys, several revisions a commit. */
async function writeHistory(scene: Scene): Promise<void> {
  await scene.write([put("a", "1"), put("b", "1", { lease: 7n }), put("c", "1")]);
  await scene.write([put("b", "2")], [del("a"), put("b", "3")], [put("a", "4"), put("bb", "")]);
  await scene.write([del("b")], [del("c"), del("bb")]);
  for (let n = 0; n < 12; n++) await scene.write([put("a", `${n}`), put(`c${n}`, `${n}`, { lease: 8n })]);
  await scene.write([put("b", "again")], [put("c3", "again"), del("c4")]);
}
