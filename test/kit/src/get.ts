import assert from "node:assert/strict";
import { type Bytes, bytes, del, put } from "./draft.js";
import { showField } from "./key-value.js";
import { AWKWARD_KEYS } from "./range.js";
import type { Define, Scene } from "./scene.js";

export function getTests(define: Define): void {
  define("get answers each key asked for, in that order, and says which are missing", async (scene) => {
    await scene.write([put("a", "1"), put("b", "2"), put("c", "")]);
    await scene.write([del("b"), put("a", "3")]);
    await expectGet(scene, ["c", "missing", "a", "b", "a", "c", "A", "a\x00"], 0n);
    await expectGet(scene, ["c", "missing", "a", "b", "a"], 2n);
    await expectGet(scene, ["a"], 1n);
    await expectGet(scene, [], 0n);
  });

  define("get tells awkward keys apart", async (scene) => {
    await scene.write(AWKWARD_KEYS.filter((_, n) => n % 2 === 0).map((key, n) => put(key, `${n}`)));
    await expectGet(scene, AWKWARD_KEYS, 0n);
    await expectGet(scene, AWKWARD_KEYS, 2n);
  });

  define("get takes thousands of keys", async (scene) => {
    await scene.write(Array.from({ length: 500 }, (_, n) => put(`k${n}`, `${n}`)));
    const keys = Array.from({ length: 3000 }, (_, n) => `k${(n * 7) % 1000}`);
    await expectGet(scene, keys, 0n);
    await expectGet(scene, keys, 2n);
  });
}

async function expectGet(scene: Scene, keys: readonly Bytes[], revision: bigint): Promise<void> {
  const wanted = keys.map(bytes);
  const live = new Map(
    scene.model
      .range({ start: Buffer.alloc(0), end: null }, revision || scene.model.head.revision)
      .map((entry) => [entry.key.toString("hex"), showField(entry.field)]),
  );
  for (const linearizable of [true, false]) {
    const result = await scene.storage.get({ keys: wanted, revision, linearizable });
    assert.deepEqual(result.head, scene.model.head);
    assert.deepEqual(
      result.fields.map((field) => field && showField(field)),
      wanted.map((key) => live.get(key.toString("hex"))),
    );
  }
}
