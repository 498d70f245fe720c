import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { del, put } from "./draft.js";
import { expectRange, expectState } from "./expect.js";
import { pickFrom, sequenceOf } from "./random.js";
import { rangeQuery, readAll, readChanges } from "./reading.js";
import { RegistryReader } from "./registry.js";
import type { Define, Scene } from "./scene.js";

const MIB = 1024 * 1024;
/** etcd's default limit on a request; the field around it is larger still. */
const GREATEST_VALUE = 1.5 * MIB;

export function bigTests(define: Define): void {
  define("values as large as etcd's requests, and keys of 4 KiB", async (scene) => {
    const long = Buffer.concat([randomBytes(4096)]);
    await scene.write([
      put("big", randomBytes(GREATEST_VALUE)),
      put(long, "1"),
      put("zero", Buffer.alloc(100_000)),
    ]);
    await scene.write([
      put("big", randomBytes(GREATEST_VALUE)),
      put(Buffer.concat([long, Buffer.of(0)]), "2"),
    ]);
    await expectState(scene.storage, scene.model);
    await expectRange(scene.storage, scene.model, { revision: 2n, descending: true });
    await expectRange(scene.storage, scene.model, { limit: 1 });
  });

  define("a commit of 20 MB", async (scene) => {
    const revisions = Array.from({ length: 40 }, (_, n) => [put(`k${n}`, randomBytes(MIB / 2))]);
    await scene.write(...revisions);
    await expectState(scene.storage, scene.model);
  });

  define("ten thousand changes in one revision", async (scene) => {
    const operations = Array.from({ length: 10_000 }, (_, n) =>
      put(`key/${n}`, `${n}`, { lease: BigInt(n % 2) }),
    );
    const commit = await scene.write(operations);
    const { changes } = commit.revisions[0]!;
    const logged = await readChanges(scene.storage, {
      after: 0n,
      through: 2n,
      interval: null,
      limit: 10,
      previous: true,
    });
    assert.equal(logged.length, 1);
    assert.ok(
      Buffer.concat(logged[0]!.changes.map(({ field }) => field)).equals(
        Buffer.concat(changes.map(({ field }) => field)),
      ),
    );
    await expectRange(scene.storage, scene.model, { limit: 20_000, count: true });
    const { keys } = await scene.storage.leaseKeys(1n);
    assert.equal(keys.length, 5000);
  });

  define("a range larger than the biggest page", async (scene) => {
    for (let n = 0; n < 4; n++) {
      await scene.write(Array.from({ length: 8 }, (_, k) => put(`k${n}${k}`, randomBytes(MIB))));
    }
    const { fields } = await readAll(scene.storage, rangeQuery({}));
    const committed = scene.model.range({ start: Buffer.alloc(0), end: null }, scene.model.head.revision);
    assert.ok(Buffer.concat(fields).equals(Buffer.concat(committed.map(({ field }) => field))));
  });

  define("any interval of thousands of keys", async (scene) => {
    await scene.write(Array.from({ length: 3000 }, (_, n) => put(`key/${(n * 1237) % 3000}`, `${n}`)));
    await scene.write(Array.from({ length: 1000 }, (_, n) => del(`key/${n * 3}`)));
    const next = sequenceOf(3);
    for (let n = 0; n < 60; n++) {
      const [start, end] = [Buffer.from(`key/${next(3000)}`), Buffer.from(`key/${next(3000)}`)];
      const limit = pickFrom([10, 500, 10_000], next);
      const options = { descending: n % 2 === 0, revision: BigInt(n % 3 === 0 ? 2 : 0), count: true };
      await expectRange(scene.storage, scene.model, { interval: { start, end }, limit, ...options });
    }
  });

  define(
    "after a thousand commits and pruning, their ids are kept and old readers of the registry are right",
    async (scene) => {
      await scene.register({ gone: "1", stays: "1" });
      const reader = new RegistryReader(scene.storage);
      await reader.read();
      await scene.register({ gone: null });
      for (let n = 0; n < 1050; n++) await scene.register({ r: `${n}` });
      await scene.compact(1n);
      await scene.prune();
      await expectIds(scene);
      assert.deepEqual(await reader.read(), scene.model.registry());
      if (!scene.backend.keepsData) return;
      await scene.storage.close();
      await expectIds(scene, await scene.backend.open());
    },
  );
}

async function expectIds(scene: Scene, storage = scene.storage): Promise<void> {
  const newest = scene.model.commits.slice(-1000);
  for (const { head, id } of newest) {
    if (head.sequence % 37n === 0n || newest[0]!.head === head) {
      assert.deepEqual(await storage.commitId(head.sequence), id, `sequence ${head.sequence}`);
    }
  }
}
