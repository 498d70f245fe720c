import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { type QueryStorage, REGISTRY } from "@etcd-adapter/core/storage";
import { Model } from "@etcd-adapter/plugin-kit";
import { importLibrary } from "./library.js";
import { openStorage, temporaryFolder, write } from "./testing/place.js";

const Library = await importLibrary();

test("removals that are long past are forgotten, and a reader from before them gets everything", async (t) => {
  const file = join(await temporaryFolder(t), "test.db");
  const model = new Model();
  const first = await openStorage(t, file);
  await write(first, model, { registry: { a: "1", b: "2" } });
  await write(first, model, { registry: { a: null } });
  await write(first, model, { registry: { c: "3" } });
  await first.close();
  const database = new Library(file);
  database.exec("insert into commits select 20000, id, revision, compacted from commits where sequence = 3");
  database.close();

  const storage = await openStorage(t, file);
  assert.equal((await registryAfter(storage, 1n)).registry.entries.length, 2);
  let batches = 1;
  while (await storage.prune(1000)) batches++;
  assert.equal(batches, 10);
  assert.equal(await storage.commitId(3n), undefined);
  assert.equal((await storage.commitId(20_000n))?.length, 16);

  const behind = (await registryAfter(storage, 1n)).registry;
  assert.equal(behind.complete, true);
  assert.deepEqual(
    behind.entries.map(({ key, value }) => [key, value?.toString()]),
    [
      ["b", "2"],
      ["c", "3"],
    ],
  );
  const { registry, head } = await registryAfter(storage, 10_000n);
  assert.deepEqual(registry, { complete: false, entries: [] });
  assert.equal(head.sequence, 20_000n);
});

function registryAfter(storage: QueryStorage, sequence: bigint) {
  return storage.since({ ...REGISTRY, after: { sequence, revision: 1n } });
}
