import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { EMPTY_HEAD, REGISTRY } from "@etcd-adapter/core/storage";
import { buildCommit, del, put } from "./draft.js";
import { expectRange, expectState } from "./expect.js";
import { rangeQuery, rejectsWith } from "./reading.js";
import type { Define } from "./scene.js";

export function commitTests(define: Define): void {
  define("an empty storage has etcd's first head and holds nothing", async ({ storage, model }) => {
    assert.deepEqual(await storage.head(), EMPTY_HEAD);
    await expectState(storage, model);
    assert.equal(await storage.commitId(0n), undefined);
    assert.equal(await storage.commitId(1n), undefined);
  });

  define("a commit moves the head and is there at once", async (scene) => {
    await scene.write([put("a", "1"), put("b", "2")]);
    assert.deepEqual(scene.model.head, { sequence: 1n, revision: 2n, compacted: -1n });
    await expectState(scene.storage, scene.model);
  });

  define("each of several revisions in a commit can be read", async (scene) => {
    await scene.write(...Array.from({ length: 300 }, (_, n) => [put(`k${n % 7}`, `${n}`)]));
    await scene.write([del("k1")], [put("k1", "again")], [del("k2"), put("new", "")]);
    for (let revision = 1n; revision <= scene.model.head.revision; revision += 23n) {
      await expectRange(scene.storage, scene.model, { revision, count: true });
    }
    await expectState(scene.storage, scene.model);
  });

  define("a key may change several times in one revision", async (scene) => {
    await scene.write([put("a", "old", { lease: 5n })]);
    await scene.write([put("a", "1"), put("a", "2", { lease: 6n }), put("b", "1"), del("b")]);
    await scene.write([del("a"), put("a", "3")]);
    await expectState(scene.storage, scene.model);
    for (const revision of [2n, 3n, 4n]) await expectRange(scene.storage, scene.model, { revision });
    await scene.compact(4n);
    await scene.prune();
    await expectState(scene.storage, scene.model, { pruned: true });
  });

  define("a commit of the registry alone takes no revision", async (scene) => {
    await scene.write([put("a", "1")]);
    await scene.register({ "lease/1": "x" });
    assert.deepEqual(scene.model.head, { sequence: 2n, revision: 2n, compacted: -1n });
    await expectState(scene.storage, scene.model);
  });

  define("a commit upon an older head conflicts and changes nothing", async (scene) => {
    const stale = buildCommit(scene.model, { revisions: [[put("a", "stale")]], registry: { r: "stale" } });
    await scene.commit({ revisions: [[put("a", "1", { lease: 3n })]], registry: { r: "1" } });
    await rejectsWith("conflict", scene.storage.commit(stale));
    await expectState(scene.storage, scene.model);
    await scene.register({ r: "2" });
    const base = scene.model.commits[0]!.head;
    const behind = {
      ...buildCommit(scene.model, { revisions: [[del("a")]] }),
      base,
      head: { ...base, sequence: 2n, revision: 3n },
    };
    await rejectsWith("conflict", scene.storage.commit(behind));
    await expectState(scene.storage, scene.model);
    await scene.write([put("a", "2")]);
    await expectState(scene.storage, scene.model);
  });

  define("a commit upon a head that is still to come conflicts", async (scene) => {
    await scene.write([put("a", "1")]);
    const commit = buildCommit(scene.model, { revisions: [[put("b", "1")]] });
    const later = {
      ...commit,
      base: { ...commit.base, sequence: 7n },
      head: { ...commit.head, sequence: 8n },
    };
    await rejectsWith("conflict", scene.storage.commit(later));
    await expectState(scene.storage, scene.model);
  });

  define("a commit sent again under its id is applied once, and is known by its id", async (scene) => {
    const commit = await scene.write([put("a", "1")]);
    await rejectsWith("conflict", scene.storage.commit(commit));
    assert.deepEqual(await scene.storage.commitId(commit.head.sequence), commit.id);
    await expectState(scene.storage, scene.model);
  });

  define("every commit is known by its id", async (scene) => {
    for (let n = 0; n < 25; n++) await scene.write([put("a", `${n}`)]);
    for (const { head, id } of scene.model.commits) {
      assert.deepEqual(await scene.storage.commitId(head.sequence), id, `sequence ${head.sequence}`);
    }
    assert.equal(await scene.storage.commitId(26n), undefined);
  });

  define("what is handed out belongs to the caller", async (scene) => {
    const long = randomBytes(20_000);
    const commit = await scene.commit({ revisions: [[put("a", "1"), put("b", long)]], registry: { r: "1" } });
    const { storage } = scene;
    const get = { keys: [Buffer.from("a"), Buffer.from("b")], revision: 0n, linearizable: true };
    for (const field of (await storage.get(get)).fields) field?.fill(0);
    (await storage.range(rangeQuery({}))).fields.fill(0);
    for (const entry of (await storage.since(REGISTRY)).registry.entries) entry.value?.fill(0);
    (await storage.commitId(commit.head.sequence))?.fill(0);
    const page = await storage.changes({ after: 0n, through: 2n, interval: null, limit: 10, previous: true });
    for (const { key, field } of page.revisions.flatMap(({ changes }) => changes))
      key.fill(0) && field.fill(0);
    await expectState(storage, scene.model);
  });
}
