import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdir, open, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { StorageError, type StorageErrorCode } from "@etcd-adapter/core/storage";
import { Model, put } from "@etcd-adapter/plugin-kit";
import { importLibrary } from "./library.js";
import { createStorage, openStorage, temporaryFolder, write, writeUntilRedo } from "./testing/place.js";

const Library = await importLibrary();

const run = promisify(execFile);

function fails(code: StorageErrorCode, text: string): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof StorageError, String(error));
    assert.equal(error.code, code, error.message);
    assert.ok(error.message.includes(text), error.message);
    return true;
  };
}

test("a file that is no database is refused, named and left alone", async (t) => {
  const file = join(await temporaryFolder(t), "notes.txt");
  await writeFile(file, "not a database\n".repeat(1000));
  const storage = createStorage(file);
  await assert.rejects(storage.open(), fails("corrupt", file));
  await storage.close();
  assert.equal((await stat(file)).size, 15_000);
});

test("damaged pages are reported as corrupt", async (t) => {
  const file = join(await temporaryFolder(t), "damaged.db");
  const model = new Model();
  const first = await openStorage(t, file);
  for (let n = 0; n < 20; n++) await write(first, model, { revisions: [[put(`k${n}`, "x".repeat(9_000))]] });
  await first.close();
  const handle = await open(file, "r+");
  const { size } = await handle.stat();
  await handle.write(Buffer.alloc(size - 8192, 0xa5), 0, size - 8192, 8192);
  await handle.close();
  const storage = createStorage(file);
  t.after(() => storage.close());
  const read = async () => {
    await storage.open();
    await storage.head();
  };
  await assert.rejects(read(), fails("corrupt", file));
});

test("a folder that can't be made is named", async (t) => {
  const blocked = join(await temporaryFolder(t), "file");
  await writeFile(blocked, "");
  const storage = createStorage(join(blocked, "folder", "test.db"));
  await assert.rejects(storage.open(), fails("misconfigured", blocked));
  await storage.close();
});

test("the schema of a newer version is refused", async (t) => {
  const file = join(await temporaryFolder(t), "newer.db");
  await (await openStorage(t, file)).close();
  const database = new Library(file);
  database.exec("update meta set value = 1000 where name = 'schema'");
  database.close();
  await assert.rejects(createStorage(file).open(), fails("misconfigured", "newer version"));
});

test("a lock that another program holds makes commits unavailable, and reads go on", async (t) => {
  const file = join(await temporaryFolder(t), "locked.db");
  const model = new Model();
  const storage = await openStorage(t, file, { "busy-timeout-ms": 50 });
  await writeUntilRedo(storage, model, file);
  const other = new Library(file);
  other.exec("begin immediate");
  // The redo log takes this one; that it can't go on from there shows later.
  await write(storage, model, { revisions: [[put("b", "2")]] });
  const next = async () => {
    for (;;) await write(storage, model, { revisions: [[put("c", "3")]] });
  };
  await assert.rejects(next(), fails("unavailable", file));
  assert.deepEqual(await storage.head(), model.head);
  const { fields } = await storage.get({ keys: [Buffer.from("a")], revision: 0n, linearizable: true });
  assert.ok(fields[0]);
  other.exec("rollback");
  other.close();
  await write(storage, model, { revisions: [[put("a", "3")]] });
  const everything = { start: Buffer.alloc(0), end: null };
  const query = {
    interval: everything,
    revision: 0n,
    limit: 10,
    count: true,
    descending: false,
    linearizable: true,
  };
  assert.equal((await storage.range(query)).count, 3n);
});

for (const [small, larger, log] of [
  ["3m", "6m", "no redo log"],
  ["30m", "80m", "a redo log"],
] as const)
  test(`a full disk with room for ${log} refuses commits, and nothing is lost`, async (t) => {
    const folder = join(await temporaryFolder(t), "small");
    await mkdir(folder);
    try {
      await run("mount", ["-t", "tmpfs", "-o", `size=${small}`, "tmpfs", folder]);
    } catch {
      return t.skip("mounting is not permitted here");
    }
    const model = new Model();
    const storage = createStorage(join(folder, "test.db"));
    try {
      await storage.open();
      const fill = async () => {
        for (;;) await write(storage, model, { revisions: [[put("a", "x".repeat(100_000))]] });
      };
      await assert.rejects(fill(), fails("full", folder));
      assert.ok(model.commits.length > 5);
      assert.deepEqual(await storage.head(), model.head);
      await run("mount", ["-o", `remount,size=${larger}`, folder]);
      await write(storage, model, { compacted: model.head.revision });
      while (await storage.prune(2));
      for (let n = 0; n < 5; n++)
        await write(storage, model, { revisions: [[put("a", "x".repeat(100_000))]] });
    } finally {
      await storage.close();
      await run("umount", [folder]);
    }
  });

test("the write-ahead log stays small, however much is written", async (t) => {
  const file = join(await temporaryFolder(t), "long.db");
  const model = new Model();
  const storage = await openStorage(t, file);
  for (let n = 0; n < 150; n++) {
    await write(storage, model, { revisions: [[put(`k${n % 10}`, "x".repeat(1_000_000))]] });
  }
  const { size } = await stat(`${file}-wal`);
  assert.ok(size < 80_000_000, `${size} bytes`);
});

test("nor does it grow while reads never pause, and each sees what was acknowledged", async (t) => {
  const file = join(await temporaryFolder(t), "read.db");
  const model = new Model();
  const storage = await openStorage(t, file);
  let isOver = false;
  const read = async () => {
    while (!isOver) {
      const { head } = model;
      const found = await storage.get({ keys: [Buffer.from("k1")], revision: 0n, linearizable: true });
      assert.ok(found.head.sequence >= head.sequence, `${found.head.sequence} after ${head.sequence}`);
    }
  };
  const reading = Promise.all([read(), read(), read()]);
  for (let n = 0; n < 150; n++) {
    await write(storage, model, { revisions: [[put(`k${n % 10}`, "x".repeat(1_000_000))]] });
  }
  isOver = true;
  await reading;
  const { size } = await stat(`${file}-wal`);
  assert.ok(size < 80_000_000, `${size} bytes`);
});
