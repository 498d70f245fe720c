import assert from "node:assert/strict";
import { REGISTRY, StorageError } from "@etcd-adapter/core/storage";
import { buildCommit, put } from "./draft.js";
import { expectRange, expectState } from "./expect.js";
import { EVERYTHING, rangeQuery, rejectsWith } from "./reading.js";
import type { Define, Scene } from "./scene.js";

export function lifecycleTests(define: Define): void {
  define("a closed storage refuses every call", async (scene) => {
    await scene.write([put("a", "1")]);
    await scene.storage.close();
    for (const call of everyCall(scene)) await rejectsWith("closed", call());
    await scene.storage.close();
  });

  define("a storage can be closed before it is open", async ({ backend }) => {
    await backend.create().close();
  });

  define("closing ends what is under way, and what was acknowledged stays", async (scene) => {
    await scene.write([put("a", "1")]);
    const commit = buildCommit(scene.model, { revisions: [[put("a", "2")]] });
    const calls = [scene.storage.commit(commit), scene.storage.head(), scene.storage.range(rangeQuery({}))];
    const outcomes = Promise.allSettled(calls);
    await scene.storage.close();
    const [committed, ...reads] = await outcomes;
    for (const { status } of reads) assert.ok(status === "fulfilled" || status === "rejected");
    if (!scene.backend.keepsData) return;
    const again = await scene.backend.open();
    const { sequence } = await again.head();
    if (committed!.status === "fulfilled") assert.equal(sequence, 2n);
    if (sequence === 2n) scene.model.apply(commit);
    await expectState(again, scene.model);
  });

  define("a new life finds everything", async (scene) => {
    await scene.commit({
      revisions: [[put("a", "1", { lease: 4n }), put("b", "1")], [put("a", "2")]],
      registry: { r: "1", gone: "1" },
    });
    for (let n = 0; n < 100; n++) await scene.write([put(`k${n % 13}`, `${n}`, { lease: BigInt(n % 3) })]);
    await scene.commit({ registry: { gone: null }, compacted: 20n });
    await scene.prune();
    await scene.storage.close();
    if (!scene.backend.keepsData) return scene.t.skip("the storage keeps nothing");
    let storage = await scene.backend.open();
    await expectState(storage, scene.model);
    await expectRange(storage, scene.model, { revision: 20n, count: true });
    await scene.commit({ revisions: [[put("a", "3")]] }, storage);
    await storage.close();
    storage = await scene.backend.open();
    await expectState(storage, scene.model);
    await scene.prune(1000, storage);
    await expectState(storage, scene.model, { pruned: true });
  });

  define("a storage that is not shared refuses a second adapter, and stays whole", async (scene) => {
    if (scene.storage.shared) return scene.t.skip("the storage is shared");
    await scene.write([put("a", "1")]);
    if (!scene.backend.keepsData) return scene.t.skip("each adapter has a backend of its own");
    await assert.rejects(scene.backend.create().open(), (error) => error instanceof StorageError);
    await scene.write([put("a", "2")]);
    await expectState(scene.storage, scene.model);
  });

  define("the size is reported", async (scene) => {
    await scene.write([put("a", "x".repeat(50_000))]);
    const { total, inUse } = await scene.storage.size();
    assert.ok(total >= inUse && inUse > 0n, `total ${total}, in use ${inUse}`);
  });

  define("defragmenting changes no data", async (scene) => {
    if (scene.storage.defragment === undefined) return scene.t.skip("the storage has no defragment");
    for (let n = 0; n < 20; n++) await scene.write([put("a", `${n}`.repeat(10_000)), put(`k${n}`, "1")]);
    await scene.compact(scene.model.head.revision);
    await scene.prune();
    await Promise.all([
      scene.storage.defragment(),
      scene.storage.head(),
      scene.storage.range(rangeQuery({})),
    ]);
    await expectState(scene.storage, scene.model, { pruned: true });
    await scene.write([put("a", "last")]);
    await expectState(scene.storage, scene.model);
  });
}

function everyCall({ storage, model }: Scene): (() => Promise<unknown>)[] {
  const get = { keys: [Buffer.from("a")], revision: 0n, linearizable: false };
  const changes = { after: 0n, through: 1n, interval: EVERYTHING, limit: 1, previous: false };
  return [
    () => storage.head(),
    () => storage.commit(buildCommit(model, { registry: { r: "1" } })),
    () => storage.commitId(1n),
    () => storage.range(rangeQuery({})),
    () => storage.range(rangeQuery({ linearizable: false, revision: 1n })),
    () => storage.get(get),
    () => storage.leaseKeys(1n),
    () => storage.changes(changes),
    () => storage.since(REGISTRY),
    () => storage.prune(1),
    () => storage.size(),
    ...(storage.defragment ? [() => storage.defragment!()] : []),
    ...(storage.subscribe ? [() => storage.subscribe!({ onMoved() {}, onLost() {} })] : []),
  ];
}
