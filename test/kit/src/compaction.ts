import type { QueryStorage } from "@etcd-adapter/core/storage";
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

  define(
    "a commit, as those of a restore, leaves out revisions that are compacted with it",
    async (scene) => {
      const { model } = scene;
      await scene.commit({
        revisions: [[put("a", "1"), put("b", "1")], [put("c", "1")], [put("a", "2")]],
        gaps: [5_000_000_000n, 0n, 7n],
        compacted: 5_000_000_010n,
      });
      await scene.commit({ gaps: [100n], compacted: 5_000_000_111n });
      await scene.write([put("a", "3"), del("b")], [put("d", "1")]);
      const expectAll = async (storage: QueryStorage, pruned: boolean) => {
        await expectState(storage, model, { pruned });
        for (const revision of [5_000_000_111n, 5_000_000_112n, 5_000_000_113n])
          await expectRange(storage, model, { revision, count: true });
        await rejectsWith("compacted", storage.range(rangeQuery({ revision: 5_000_000_110n })));
        await rejectsWith("future", storage.range(rangeQuery({ revision: 5_000_000_114n })));
        await expectChanges(storage, model, { after: 5_000_000_002n, limit: 1, pruned });
      };
      await expectAll(scene.storage, false);
      await scene.prune();
      await expectAll(scene.storage, true);
      await scene.storage.close();
      if (!scene.backend.keepsData) return;
      const again = await scene.backend.open();
      await expectAll(again, false);
      await scene.prune(1000, again);
      await expectAll(again, true);
    },
  );

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
