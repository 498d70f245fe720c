import assert from "node:assert/strict";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { Commit, QueryStorage } from "@etcd-adapter/core/storage";
import { put } from "./draft.js";
import { expectState } from "./expect.js";
import { decodeField, splitFields } from "./key-value.js";
import { rangeQuery, readAll } from "./reading.js";
import type { Define, Scene } from "./scene.js";

const KEYS = Array.from({ length: 40 }, (_, n) => `k${String(n).padStart(2, "0")}`);

export function concurrencyTests(define: Define): void {
  define("reads during commits see whole commits", async (scene) => {
    await readWhileWriting(scene, [scene.storage]);
  });

  define("reads through a second adapter see whole commits", async (scene) => {
    if (scene.skipsUnlessShared()) return;
    await readWhileWriting(scene, [await scene.backend.open(), scene.storage]);
  });

  define("many reads at once", async (scene) => {
    await scene.write(KEYS.map((key) => put(key, "1", { lease: 1n })));
    const { storage, model } = scene;
    await Promise.all(Array.from({ length: 30 }, () => expectState(storage, model)));
  });
}

/** Every commit gives all keys the same value; whoever sees two values has seen half of one. */
async function readWhileWriting(scene: Scene, readers: readonly QueryStorage[]): Promise<void> {
  const valueAt = new Map<bigint, string>();
  const writing = { done: false };
  const expected = (commit: Commit, value: string) => valueAt.set(commit.head.revision, value);
  expected(await scene.write(KEYS.map((key) => put(key, "first"))), "first");
  const reading = readers.flatMap((reader) => [
    readUntil(writing, reader, valueAt, true),
    readUntil(writing, reader, valueAt, false),
    getUntil(writing, reader, valueAt),
  ]);
  try {
    for (let n = 0; n < 60; n++) {
      // The value of the next head is known before anybody can read it.
      valueAt.set(scene.model.head.revision + 1n, `value ${n}`);
      await scene.write(KEYS.map((key) => put(key, `value ${n}`)));
    }
  } finally {
    writing.done = true;
    await Promise.all(reading);
  }
  for (const reader of readers) await expectState(reader, scene.model);
}

async function readUntil(
  writing: { done: boolean },
  storage: QueryStorage,
  valueAt: ReadonlyMap<bigint, string>,
  linearizable: boolean,
): Promise<void> {
  let newest = 0n;
  do {
    // A storage that answers from memory would never let the writer have a turn.
    await nextTurn();
    const { head, fields } = await readAll(storage, rangeQuery({ linearizable }));
    if (linearizable) assert.ok(head.revision >= newest, "a linearizable read must not go back");
    newest = head.revision;
    if (linearizable || head.revision > 1n) expectValues(fields, valueAt.get(head.revision), KEYS.length);
  } while (!writing.done);
}

async function getUntil(
  writing: { done: boolean },
  storage: QueryStorage,
  valueAt: ReadonlyMap<bigint, string>,
): Promise<void> {
  const keys = KEYS.map((key) => Buffer.from(key));
  do {
    await nextTurn();
    const { head, fields } = await storage.get({ keys, revision: 0n, linearizable: true });
    expectValues(
      splitFields(Buffer.concat(fields.map((field) => field!))),
      valueAt.get(head.revision),
      KEYS.length,
    );
  } while (!writing.done);
}

function expectValues(fields: readonly Buffer[], value: string | undefined, count: number): void {
  assert.deepEqual([...new Set(fields.map((field) => decodeField(field).value.toString()))], [value]);
  assert.equal(fields.length, count);
}
