import assert from "node:assert/strict";
import { del, type Operation, put } from "./draft.js";
import { expectChanges, expectRange, expectState } from "./expect.js";
import { pickFrom, sequenceOf } from "./random.js";
import type { Define, Scene } from "./scene.js";

export function pruneTests(define: Define): void {
  define("there is nothing to prune before a compaction", async (scene) => {
    await scene.write([put("a", "1")], [put("a", "2")], [del("a")]);
    await scene.prune();
    await expectState(scene.storage, scene.model);
    for (const revision of [1n, 2n, 3n, 4n]) await expectRange(scene.storage, scene.model, { revision });
  });

  define("a deletion at the compacted revision stays, one below it goes", async (scene) => {
    await scene.write([put("a", "1"), put("b", "1")], [del("a")], [del("b")], [put("c", "1")]);
    await scene.compact(4n);
    await scene.prune();
    await expectChanges(scene.storage, scene.model, { pruned: true });
    await scene.compact(5n);
    await scene.prune();
    await expectState(scene.storage, scene.model, { pruned: true });
  });

  define("a deleted key that was created again keeps what can be read", async (scene) => {
    await scene.write(
      [put("a", "1")],
      [del("a")],
      [put("a", "2")],
      [put("a", "3")],
      [del("a")],
      [put("a", "4")],
    );
    for (const compacted of [3n, 4n, 6n, 7n]) {
      await scene.compact(compacted);
      await scene.prune();
      await expectState(scene.storage, scene.model, { pruned: true });
      await expectRange(scene.storage, scene.model, { revision: compacted });
    }
    await scene.write([del("a")]);
    await scene.compact(8n);
    await scene.prune();
    await scene.write([put("a", "5")]);
    await expectState(scene.storage, scene.model, { pruned: true });
  });

  define("a batch removes about as many rows as asked for, and the last one says so", async (scene) => {
    for (let n = 0; n < 10; n++) {
      await scene.write(...Array.from({ length: 40 }, (_, k) => [put(`k${k % 8}`, `${n}`)]));
    }
    await scene.compact(scene.model.head.revision);
    let calls = 1;
    while (await scene.storage.prune(20)) calls++;
    assert.ok(calls >= 5, `392 rows went in ${calls} batches of about 20`);
    assert.equal(await scene.storage.prune(20), false);
    await expectState(scene.storage, scene.model, { pruned: true });
  });

  define("a long history leaves exactly what the rule says, compaction by compaction", async (scene) => {
    const next = sequenceOf(11);
    for (let round = 0; round < 6; round++) {
      for (let n = 0; n < 8; n++) await writeAtRandom(scene, next);
      const { revision, compacted } = scene.model.head;
      await scene.compact(compacted + 1n + BigInt(next(Number(revision - compacted))));
      await scene.prune(1 + next(30));
      await expectState(scene.storage, scene.model, { pruned: true });
      for (let at = scene.model.head.compacted || 1n; at <= revision; at += 3n) {
        await expectRange(scene.storage, scene.model, { revision: at, count: true });
      }
    }
  });

  define("reads and commits are right while batches are being removed", async (scene) => {
    const next = sequenceOf(13);
    for (let n = 0; n < 20; n++) await writeAtRandom(scene, next);
    await scene.compact(scene.model.head.revision - 5n);
    let pruned = false;
    const pruning = (async () => {
      while (await scene.storage.prune(2));
      pruned = true;
    })();
    for (let n = 0; n < 5 || (!pruned && n < 50); n++) {
      await expectRange(scene.storage, scene.model, { revision: scene.model.head.compacted, count: true });
      await expectRange(scene.storage, scene.model, { count: true });
      await writeAtRandom(scene, next);
    }
    await pruning;
    await expectState(scene.storage, scene.model, { pruned: true });
  });
}

/** One to four revisions over ten keys. */
async function writeAtRandom(scene: Scene, next: (below: number) => number): Promise<void> {
  const keys = Array.from({ length: 10 }, (_, n) => `k${n}`);
  const live = new Set(
    scene.model
      .range({ start: Buffer.alloc(0), end: null }, scene.model.head.revision)
      .map(({ key }) => key.toString()),
  );
  const revisions = Array.from({ length: 1 + next(4) }, () => {
    const operations: Operation[] = [];
    for (const key of new Set([pickFrom(keys, next), pickFrom(keys, next)])) {
      if (live.has(key) && next(3) === 0) {
        live.delete(key);
        operations.push(del(key));
      } else {
        live.add(key);
        operations.push(put(key, `${next(1000)}`, { lease: BigInt(next(3)) }));
      }
    }
    return operations;
  });
  await scene.write(...revisions);
}
