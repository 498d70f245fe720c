import { del, put } from "./draft.js";
import { expectChanges, expectRange, expectState } from "./expect.js";
import { rangeQuery, rejectsWith } from "./reading.js";
import type { Define, Scene } from "./scene.js";

export function compactionTests(define: Define): void {
  define("revisions are readable from the compacted one up to the head, and no others", async (scene) => {
    await writeTenRevisions(scene);
    await expectReadable(scene, 1n, 11n);
    await scene.compact(5n);
    await expectReadable(scene, 5n, 11n);
    await scene.prune();
    await expectReadable(scene, 5n, 11n);
  });

  define("compaction at the head leaves the newest state", async (scene) => {
    await writeTenRevisions(scene);
    await scene.compact(11n);
    await expectReadable(scene, 11n, 11n);
    await scene.prune();
    await expectReadable(scene, 11n, 11n);
    await expectState(scene.storage, scene.model, { pruned: true });
  });

  define("a commit can compact and change keys at once", async (scene) => {
    await writeTenRevisions(scene);
    await scene.commit({ revisions: [[put("a", "new")], [del("b")]], registry: { r: "1" }, compacted: 9n });
    await expectReadable(scene, 9n, 13n);
    await expectState(scene.storage, scene.model);
  });

  define("compaction at zero refuses no revision", async (scene) => {
    await writeTenRevisions(scene);
    await scene.compact(0n);
    await expectReadable(scene, 1n, 11n);
    await expectState(scene.storage, scene.model);
  });

  define(
    "changes above the compacted revision stay complete before, while and after pruning",
    async (scene) => {
      await writeTenRevisions(scene);
      await scene.compact(6n);
      await expectChanges(scene.storage, scene.model);
      await expectChanges(scene.storage, scene.model, { after: 6n });
      while (await scene.storage.prune(1)) await expectChanges(scene.storage, scene.model);
      await expectChanges(scene.storage, scene.model, { pruned: true });
      await expectChanges(scene.storage, scene.model, { after: 3n, through: 8n, limit: 1, pruned: true });
    },
  );
}

async function writeTenRevisions(scene: Scene): Promise<void> {
  await scene.write([put("a", "1"), put("b", "1")], [put("c", "1")], [del("b")]);
  await scene.write([put("a", "2")], [put("b", "2")], [del("c"), put("d", "1")]);
  await scene.write([put("a", "3")], [del("d")], [put("d", "2")], [del("a"), put("e", "1")]);
}

async function expectReadable(scene: Scene, lowest: bigint, highest: bigint): Promise<void> {
  const { storage, model } = scene;
  const key = Buffer.from("a");
  for (let revision = 1n; revision <= highest + 2n; revision++) {
    const code = revision < lowest ? "compacted" : revision > highest ? "future" : undefined;
    for (const linearizable of [true, false]) {
      if (code === undefined) {
        await expectRange(storage, model, { revision, count: true, linearizable });
        continue;
      }
      await rejectsWith(code, storage.range(rangeQuery({ revision, linearizable })));
      await rejectsWith(code, storage.range(rangeQuery({ revision, linearizable, limit: 0, count: true })));
      await rejectsWith(code, storage.get({ keys: [key], revision, linearizable }));
    }
  }
}
