import assert from "node:assert/strict";
import { type News, type QueryStorage, REGISTRY, type SinceQuery } from "@etcd-adapter/core/storage";
import { del, put } from "./draft.js";
import { expectState } from "./expect.js";
import { showField } from "./key-value.js";
import { hex, type Model } from "./model.js";
import type { Define } from "./scene.js";

/** Another adapter's reservation may be in the way for so long. */
const RESERVED_MAX_MS = 5_000;

export function sinceTests(define: Define): void {
  define("since tells all that came after a head: registry, log, and single keys", async (scene) => {
    const { storage, model } = scene;
    const heads = [model.head];
    const note = () => heads.push(model.head);
    await scene.write([put("a", "1"), put("b", "1")]);
    note();
    await scene.register({ r: "1", s: "1" });
    note();
    await scene.commit({
      revisions: [[del("a")], [put("c", "2", { lease: 3n }), put("b", "2")]],
      registry: { r: null },
    });
    note();
    await scene.register({ s: "2" });
    await scene.write([put("a", "3")]);
    note();
    for (const after of heads) {
      for (const previous of [true, false]) {
        const query = {
          ...ALL,
          after,
          previous,
          keys: ["a", "missing", "b", "a"].map((key) => Buffer.from(key)),
        };
        expectNews(await storage.since(query), query, model);
      }
    }
  });

  define("of a long log since tells whole revisions, as many as asked for, or none", async (scene) => {
    const { storage, model } = scene;
    await scene.write(Array.from({ length: 30 }, (_, n) => put(`k${n}`, "1")));
    for (let n = 0; n < 20; n++) await scene.write([put("a", `${n}`)], [put("b", `${n}`), put("a", "again")]);
    for (const limit of [0, 1, 2, 3, 7, 1000]) {
      for (let revision = 1n; revision <= model.head.revision; revision += 6n) {
        const query = { ...ALL, after: { sequence: model.head.sequence, revision }, limit };
        const news = await storage.since(query);
        const { changes } = news;
        expectNews(news, query, model);
        const count = changes.revisions.reduce((sum, one) => sum + one.changes.length, 0);
        const last = changes.revisions.at(-1)?.changes.length ?? 0;
        assert.ok(count - last < Math.max(1, limit), `${count} changes where ${limit} were asked for`);
        if (limit === 0) assert.deepEqual(changes, { revisions: [], through: revision });
      }
    }
  });

  define("since answers for a head that compaction and pruning have overtaken", async (scene) => {
    const after = scene.model.head;
    await scene.write([put("a", "1"), put("b", "1")], [del("a")], [put("b", "2")], [put("c", "1")]);
    await scene.compact(4n);
    await scene.prune();
    const { head, changes } = await scene.storage.since({ ...ALL, after });
    assert.deepEqual(head, scene.model.head);
    assert.equal(changes.through, head.revision);
    assert.deepEqual(
      changes.revisions.map(({ revision }) => revision),
      [4n, 5n],
    );
  });

  define("what is read for a commit can be committed on, or given back", async (scene) => {
    const { storage, model } = scene;
    const other: QueryStorage = storage.shared ? await scene.backend.open() : storage;
    for (let n = 0; n < 10; n++) {
      for (const writer of [storage, other]) {
        const query = { ...ALL, reserve: true, keys: [Buffer.from("a")] };
        expectNews(await writer.since(query), query, model);
        if (n % 3 === 2) await writer.release?.();
        else await scene.commit({ revisions: [[put("a", `${n}`)]] }, writer);
      }
    }
    await expectState(other, model);
  });

  define(
    "an adapter that reserves and then stands still does not keep the others from committing",
    async (scene) => {
      if (scene.skipsUnlessShared()) return;
      const other = await scene.backend.open();
      await scene.write([put("a", "1")]);
      const query = { ...ALL, reserve: true };
      await other.since(query);
      const start = performance.now();
      expectNews(await scene.storage.since(query), query, scene.model);
      await scene.write([put("a", "2")]);
      assert.ok(performance.now() - start < RESERVED_MAX_MS, "the others wait for too long");
      await expectState(other, scene.model);
    },
  );
}

const ALL: SinceQuery = { ...REGISTRY, limit: 1_000 };

function expectNews(news: News, query: SinceQuery, model: Model): void {
  assert.deepEqual(news.head, model.head);
  const fields = news.fields.map((field) => field && showField(field));
  const live = new Map(
    model
      .range({ start: Buffer.alloc(0), end: null }, model.head.revision)
      .map((entry) => [entry.key.toString("hex"), showField(entry.field)]),
  );
  assert.deepEqual(
    fields,
    query.keys.map((key) => live.get(key.toString("hex"))),
  );

  const { revisions, through } = news.changes;
  assert.ok(through >= query.after.revision && through <= model.head.revision);
  const told = revisions.flatMap(({ revision, changes }) =>
    changes.map(({ sub, field, previousField }) => [
      revision,
      sub,
      showField(field),
      previousField && showField(previousField),
    ]),
  );
  const expected = model
    .changes({ ...query, after: query.after.revision, through, interval: null })
    .map((entry) => {
      const before = query.previous ? model.previous(entry) : undefined;
      return [entry.revision, entry.sub, showField(entry.field), before && showField(before.field)];
    });
  assert.deepEqual(told, expected);

  if (news.registry.complete) return;
  const writes = model.commits
    .filter(({ head }) => head.sequence > query.after.sequence)
    .flatMap(({ registry }) => registry);
  const newest = new Map(writes.map(({ key, value }) => [key, value && hex(value)]));
  assert.deepEqual(
    new Map(news.registry.entries.map(({ key, value }) => [key, value && hex(value)])),
    newest,
  );
}
