import assert from "node:assert/strict";
import { copyFile, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { type QueryStorage, StorageError, type StorageErrorCode } from "@etcd-adapter/core/storage";
import { buildCommit, Model, put } from "@etcd-adapter/plugin-kit";
import { Applier } from "./applier.js";
import { packCommit } from "./pack-commit.js";
import { Pending } from "./pending.js";
import { RedoLog } from "./redo-log.js";
import { createStorage, openStorage, temporaryFolder, write, writeUntilRedo } from "./testing/place.js";
import { UnpackedCommit } from "./unpack-commit.js";

const PARTS = { database: ["", "-wal"], redo: ["-redo-0", "-redo-1"] };

/** What a crash of the machine may leave: the database as it was after the first work, the redo log after the second. */
async function crashBetween(
  t: TestContext,
  more: (storage: QueryStorage, model: Model) => Promise<void>,
): Promise<{ file: string; model: Model }> {
  const folder = await temporaryFolder(t);
  const file = join(folder, "first.db");
  const copy = join(folder, "copy.db");
  const model = new Model();
  const storage = await openStorage(t, file);
  await writeUntilRedo(storage, model, file);
  for (const part of PARTS.database) await copyFile(file + part, copy + part);
  await more(storage, model);
  for (const part of PARTS.redo) await copyFile(file + part, copy + part);
  return { file: copy, model };
}

const hundred = async (storage: QueryStorage, model: Model) => {
  for (let n = 0; n < 100; n++) await write(storage, model, { revisions: [[put(`k${n % 10}`, `${n}`)]] });
};

function refuses(code: StorageErrorCode, text: RegExp): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof StorageError, String(error));
    assert.equal(error.code, code, error.message);
    assert.match(error.message, text);
    return true;
  };
}

test("commits that the database lost in a crash come back from the redo log, which then ends", async (t) => {
  const { file, model } = await crashBetween(t, hundred);
  const storage = await openStorage(t, file);
  assert.deepEqual(await storage.head(), model.head);
  const query = {
    after: 1n,
    through: model.head.revision,
    interval: null,
    limit: 10_000,
    previous: false,
  };
  const { revisions } = await storage.changes(query);
  assert.equal(BigInt(revisions.length), model.head.revision - 1n);
  await storage.close();
  assert.deepEqual(
    (await readdir(join(file, ".."))).filter((name) => name.startsWith("copy.db-redo")),
    [],
  );
});

test("a record that was not written whole, and all behind it, was never acknowledged", async (t) => {
  const { file, model } = await crashBetween(t, hundred);
  const path = `${file}-redo-1`;
  const content = await readFile(path);
  const end = content.lastIndexOf("k9");
  content.fill(0, end, end + 8);
  await writeFile(path, content);
  const storage = await openStorage(t, file);
  const { sequence } = await storage.head();
  assert.ok(sequence === model.head.sequence - 1n, `${sequence} of ${model.head.sequence}`);
});

test("a redo log that does not belong to the database is refused, and so is one that does not follow on it", async (t) => {
  const { file } = await crashBetween(t, hundred);
  const folder = await temporaryFolder(t);
  const other = join(folder, "other.db");
  await (await openStorage(t, other)).close();
  for (const part of PARTS.redo) await copyFile(file + part, other + part);
  await assert.rejects(createStorage(other).open(), refuses("misconfigured", /other\.db-redo-1.*delete/));

  const late = join(folder, "late.db");
  const model = new Model();
  const storage = await openStorage(t, late);
  const older = join(folder, "older.db");
  for (const part of PARTS.database) await copyFile(late + part, older + part);
  // The first commit finds no redo log yet.
  await writeUntilRedo(storage, model, late);
  for (const part of PARTS.redo) await copyFile(late + part, older + part);
  await assert.rejects(createStorage(older).open(), refuses("corrupt", /do not follow/));
});

test("a file of the log is used again only when the database has synced what it holds", async (t) => {
  const file = join(await temporaryFolder(t), "turns.db");
  const redo = new RedoLog(file, 7n, (cause) => assert.fail(String(cause)));
  const pending = new Pending();
  const model = new Model();
  let synced = 0n;
  let syncs = 0;
  const apply = async (blocks: readonly ArrayBuffer[], isSynced: boolean) => {
    await new Promise(setImmediate);
    if (!isSynced) return;
    synced = new UnpackedCommit(blocks.at(-1)!).head.sequence;
    syncs++;
  };
  const applier = new Applier(pending, redo, apply, (cause) => assert.fail(String(cause)));
  for (let n = 0; n < 300; n++) {
    const commit = buildCommit(model, { revisions: [[put("k", "x".repeat(150_000))]] });
    const block = packCommit(commit);
    if (await redo.append(commit.head.sequence, block)) {
      pending.add({ commit, block });
      applier.start();
    } else {
      await applier.flush();
      synced = commit.head.sequence;
      redo.syncedThrough(synced);
    }
    model.apply(commit);
    if (n % 20 > 0) continue;
    const left = (await RedoLog.read(file, 7n)).map((one) => new UnpackedCommit(one).head.sequence);
    const missing = model.head.sequence - synced;
    const newest = left.filter((sequence) => sequence > synced);
    assert.equal(BigInt(newest.length), missing, `${newest} of what follows ${synced}`);
  }
  await applier.flush();
  assert.ok(syncs > 2, `${syncs}`);
  await redo.close();
});
