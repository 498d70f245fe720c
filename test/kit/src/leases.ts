import assert from "node:assert/strict";
import { del, put } from "./draft.js";
import { hex } from "./model.js";
import { AWKWARD_KEYS } from "./range.js";
import type { Define, Scene } from "./scene.js";

const GREATEST = 2n ** 63n - 1n;

export function leaseTests(define: Define): void {
  define("a lease's keys follow every move", async (scene) => {
    await scene.write([
      put("c", "1", { lease: 1n }),
      put("a", "1", { lease: 1n }),
      put("b", "1", { lease: GREATEST }),
    ]);
    await expectLeases(scene);
    await scene.write([put("a", "2", { lease: GREATEST })], [put("d", "1", { lease: 1n })]);
    await expectLeases(scene);
    await scene.write([put("c", "2")], [del("b")]);
    await expectLeases(scene);
    await scene.write([put("b", "again", { lease: 2n }), del("a")], [put("a", "1", { lease: 2n })]);
    await expectLeases(scene);
  });

  define("a lease's keys come in the order of their bytes", async (scene) => {
    await scene.write([...AWKWARD_KEYS].reverse().map((key) => put(key, "1", { lease: 9n })));
    await expectLeases(scene);
  });

  define("a key attached and deleted in one revision is attached no more", async (scene) => {
    await scene.write([
      put("a", "1", { lease: 1n }),
      del("a"),
      put("b", "1", { lease: 1n }),
      put("b", "2", { lease: 2n }),
    ]);
    await expectLeases(scene);
  });

  define("a lease's keys survive compaction and pruning", async (scene) => {
    await scene.write(
      [put("a", "1", { lease: 1n })],
      [put("b", "1", { lease: 1n })],
      [del("b")],
      [put("c", "1")],
    );
    await scene.compact(scene.model.head.revision);
    await scene.prune();
    await expectLeases(scene);
  });
}

async function expectLeases(scene: Scene): Promise<void> {
  for (const lease of [1n, 2n, 9n, GREATEST, 12345n]) {
    const { head, keys } = await scene.storage.leaseKeys(lease);
    assert.deepEqual(head, scene.model.head);
    assert.deepEqual(keys.map(hex), scene.model.leaseKeys(lease).map(hex), `lease ${lease}`);
  }
}
