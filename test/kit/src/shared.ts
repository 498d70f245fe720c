import assert from "node:assert/strict";
import { isStorageError, type QueryStorage, REGISTRY } from "@etcd-adapter/core/storage";
import { buildCommit, del, put } from "./draft.js";
import { expectChanges, expectRange, expectState } from "./expect.js";
import { Model } from "./model.js";
import { rejectsWith } from "./reading.js";
import type { Define } from "./scene.js";

export function sharedTests(define: Define): void {
  define("a second adapter sees every acknowledged commit", async (scene) => {
    if (scene.skipsUnlessShared()) return;
    const { model } = scene;
    const other = await scene.backend.open();
    for (let n = 0; n < 60; n++) {
      const [writer, reader] = n % 2 === 0 ? [scene.storage, other] : [other, scene.storage];
      if (n > 0) assert.deepEqual(await writer.head(), model.head);
      await scene.commit(
        { revisions: [[put(`k${n % 5}`, `${n}`, { lease: 1n })]], registry: { r: `${n}` } },
        writer,
      );
      const reads = [
        () => expectRange(reader, model, { count: true }),
        () => expectChanges(reader, model, { after: model.head.revision - 1n }),
        () => expectState(reader, model),
        async () => assert.deepEqual((await reader.since(REGISTRY)).head, model.head),
        async () => assert.deepEqual((await reader.leaseKeys(1n)).head, model.head),
        async () => assert.deepEqual(await reader.commitId(model.head.sequence), model.commits.at(-1)!.id),
        () => expectRange(reader, model, { revision: model.head.revision, linearizable: false }),
      ];
      await reads[n % reads.length]!();
    }
  });

  define(
    "a linearizable read sees every acknowledged commit, however many reads are under way",
    async (scene) => {
      if (scene.skipsUnlessShared()) return;
      const other = await scene.backend.open();
      const underWay = new Set<Promise<unknown>>();
      for (let n = 0; n < 60; n++) {
        const early = other.head();
        underWay.add(early);
        const commit = scene.write([put("a", `${n}`)]);
        underWay.add(other.since(REGISTRY));
        await commit;
        const late = await Promise.all([other.head(), expectRange(other, scene.model, {})]);
        assert.deepEqual(late[0], scene.model.head);
        assert.ok((await early).sequence <= scene.model.head.sequence);
      }
      await Promise.all(underWay);
    },
  );

  define("a commit of an adapter that missed another's conflicts and changes nothing", async (scene) => {
    if (scene.skipsUnlessShared()) return;
    const other = await scene.backend.open();
    await scene.write([put("a", "1")]);
    assert.deepEqual(await other.head(), scene.model.head);
    const late = buildCommit(scene.model, { revisions: [[put("a", "late")]], registry: { r: "late" } });
    await scene.write([put("a", "2")]);
    await rejectsWith("conflict", other.commit(late));
    assert.deepEqual(await other.commitId(late.head.sequence), scene.model.commits.at(-1)!.id);
    await expectState(other, scene.model);
    await scene.commit({ revisions: [[put("a", "3")]] }, other);
    await expectState(scene.storage, scene.model);
  });

  define("of commits that race, one wins each sequence, and all adapters see one order", async (scene) => {
    if (scene.skipsUnlessShared()) return;
    const storages = [scene.storage, await scene.backend.open(), await scene.backend.open()];
    const won = new Map<bigint, string>();
    await Promise.all(storages.map((storage, adapter) => race(storage, adapter, won)));
    const last = await scene.storage.head();
    assert.equal(last.sequence, BigInt(won.size), "the sequences have no gap");
    for (const storage of storages) {
      assert.deepEqual(await storage.head(), last);
      for (const [sequence, id] of won) assert.equal((await storage.commitId(sequence))?.toString("hex"), id);
    }
    const pages = await Promise.all(storages.map((storage) => logOf(storage, last.revision)));
    assert.equal(pages[0]!.length, won.size);
    for (const page of pages) assert.deepEqual(page, pages[0]);
  });

  define("a compaction by one adapter binds the others, and each can prune", async (scene) => {
    if (scene.skipsUnlessShared()) return;
    const other = await scene.backend.open();
    await scene.write([put("a", "1"), put("b", "1")], [del("a")], [put("a", "2")], [put("a", "3")]);
    await other.head();
    await scene.compact(4n);
    assert.deepEqual(await other.head(), scene.model.head);
    for (const storage of [other, scene.storage]) {
      await scene.prune(1, storage);
      await expectState(storage, scene.model, { pruned: true });
      await expectRange(storage, scene.model, { revision: 4n });
    }
  });

  define("many processes may open a fresh backend at once", async (scene) => {
    if (scene.skipsUnlessShared()) return;
    await Promise.all(Array.from({ length: 4 }, () => scene.backend.open()));
    await scene.write([put("a", "1")]);
    await expectState(await scene.backend.open(), scene.model);
  });
}

const WINS_EACH = 15;

/** Commits until it has won often enough, each time upon what the log says. */
async function race(storage: QueryStorage, adapter: number, won: Map<bigint, string>): Promise<void> {
  for (let wins = 0; wins < WINS_EACH; ) {
    const model = new Model();
    const base = await storage.head();
    const draft = buildCommit(model, { revisions: [[put(`by ${adapter}`, `${wins}`)]], registry: {} });
    const head = { ...base, sequence: base.sequence + 1n, revision: base.revision + 1n };
    const revisions = draft.revisions.map(({ changes }) => ({ revision: head.revision, changes }));
    try {
      await storage.commit({ ...draft, base, head, revisions });
    } catch (error) {
      if (!isStorageError(error, "conflict")) throw error;
      continue;
    }
    assert.ok(!won.has(head.sequence), `sequence ${head.sequence} was won twice`);
    won.set(head.sequence, draft.id.toString("hex"));
    wins++;
  }
}

async function logOf(storage: QueryStorage, through: bigint): Promise<string[]> {
  const page = await storage.changes({ after: 0n, through, interval: null, limit: 10_000, previous: false });
  return page.revisions.map(
    ({ revision, changes }) => `${revision} ${changes.map(({ key }) => key.toString())}`,
  );
}
