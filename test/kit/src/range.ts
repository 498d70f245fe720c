import assert from "node:assert/strict";
import { del, put } from "./draft.js";
import { expectRange } from "./expect.js";
import { pickFrom, sequenceOf } from "./random.js";
import { EVERYTHING, rangeQuery, readAll } from "./reading.js";
import type { Define, Scene } from "./scene.js";

/** Where an order that is not the bytes' own goes wrong: zeros, prefixes, signs, lengths, invalid UTF-8. */
export const AWKWARD_KEYS = [
  "\x00",
  "\x00\x00",
  "\x00\xff",
  "\x01",
  " ",
  "%",
  "'",
  "A",
  "\\",
  "_",
  "a",
  "a\x00",
  "a\x00b",
  "a ",
  "aA",
  "aa",
  "ab",
  "b",
  "\x7f",
  "\x80",
  "\xc3\xa9",
  "\xc3(",
  "\xe9",
  "\xff",
  "\xff\x00",
  "\xff\xff",
  "a/".repeat(150),
].map((key) => Buffer.from(key, "latin1"));

export function rangeTests(define: Define): void {
  define("every interval of awkward keys, in both orders", async (scene) => {
    await writeAwkwardKeys(scene);
    const bounds = [Buffer.alloc(0), ...AWKWARD_KEYS, null];
    const intervals = bounds.flatMap((start) =>
      bounds.map((end) => ({ start: start ?? Buffer.alloc(0), end })),
    );
    await inBatches(intervals, async (interval, n) => {
      await expectRange(scene.storage, scene.model, {
        interval,
        count: n % 2 === 0,
        descending: n % 3 === 0,
      });
    });
  });

  define("limits, counts and old revisions, over deletions and new creations", async (scene) => {
    await writeAwkwardKeys(scene);
    const next = sequenceOf(7);
    const bounds = [Buffer.alloc(0), ...AWKWARD_KEYS];
    await inBatches(Array.from({ length: 400 }), async () => {
      const interval = { start: pickFrom(bounds, next), end: pickFrom([...bounds, null, null], next) };
      const revision = BigInt(next(Number(scene.model.head.revision) + 1));
      const limit = pickFrom([0, 1, 2, 3, 5, 8, 100], next);
      const options = { count: next(2) === 0, descending: next(2) === 0, linearizable: next(2) === 0 };
      await expectRange(scene.storage, scene.model, { interval, revision, limit, ...options });
    });
  });

  define("a limit of zero counts alone", async (scene) => {
    await scene.write(Array.from({ length: 30 }, (_, n) => put(`k${n}`, "value")));
    const page = await scene.storage.range(rangeQuery({ limit: 0, count: true }));
    assert.deepEqual(
      { rows: page.rows, count: page.count, bytes: page.fields.length },
      { rows: 0, count: 30n, bytes: 0 },
    );
    await expectRange(scene.storage, scene.model, { limit: 0 });
  });

  define("a range is a run of the very bytes that were committed", async (scene) => {
    const commit = await scene.write([put("b", "2"), put("a", ""), put("c", "\x00\xff")]);
    const [b, a, c] = commit.revisions[0]!.changes.map(({ field }) => field) as [Buffer, Buffer, Buffer];
    const up = await readAll(scene.storage, rangeQuery({}));
    assert.ok(Buffer.concat(up.fields).equals(Buffer.concat([a, b, c])));
    const down = await readAll(scene.storage, rangeQuery({ descending: true }));
    assert.ok(Buffer.concat(down.fields).equals(Buffer.concat([c, b, a])));
  });

  define("pages continue behind their last key", async (scene) => {
    await scene.write(Array.from({ length: 257 }, (_, n) => put(`k${n}`, `${n}`)));
    for (const descending of [false, true]) {
      const query = { interval: EVERYTHING, descending, revision: 2n };
      for (const limit of [1, 100, 256, 257, 258])
        await expectRange(scene.storage, scene.model, { ...query, limit });
    }
  });

  define("a serializable read sees what the process itself has committed", async (scene) => {
    await scene.write([put("a", "1")]);
    await expectRange(scene.storage, scene.model, { linearizable: false });
    await scene.write([put("a", "2")], [del("a")]);
    await expectRange(scene.storage, scene.model, { linearizable: false, count: true });
    await expectRange(scene.storage, scene.model, { linearizable: false, revision: 3n });
  });
}

/** Each key written, half of them deleted, a third written again. */
async function writeAwkwardKeys(scene: Scene): Promise<void> {
  await scene.write(AWKWARD_KEYS.map((key, n) => put(key, `first ${n}`)));
  await scene.write(...AWKWARD_KEYS.filter((_, n) => n % 2 === 0).map((key) => [del(key)]));
  await scene.write(...AWKWARD_KEYS.filter((_, n) => n % 3 === 0).map((key) => [put(key, "")]));
}

async function inBatches<Item>(
  items: readonly Item[],
  run: (item: Item, n: number) => Promise<void>,
): Promise<void> {
  const batch = 8;
  for (let at = 0; at < items.length; at += batch) {
    await Promise.all(items.slice(at, at + batch).map((item, n) => run(item, at + n)));
  }
}
