import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { Model, put } from "@etcd-adapter/plugin-kit";
import { importLibrary } from "./library.js";
import { openStorage, temporaryFolder, write } from "./testing/place.js";

const Library = await importLibrary();

test("all tables and indexes carry the prefix, beside tables of others", async (t) => {
  const file = join(await temporaryFolder(t), "test.db");
  const other = new Library(file);
  other.exec("create table state (mine integer); insert into state values (1)");
  other.close();
  const model = new Model();
  for (let life = 0; life < 2; life++) {
    const storage = await openStorage(t, file, { "table-prefix": "etcd_" });
    await write(storage, model, { revisions: [[put("a", "1")]] });
    await storage.defragment?.();
    await storage.close();
  }
  const database = new Library(file);
  t.after(() => database.close());
  const names = database
    .prepare("select name from sqlite_schema where name not like 'sqlite_%'")
    .pluck()
    .all();
  assert.ok(names.length > 5 && names.every((name) => name === "state" || String(name).startsWith("etcd_")));
  assert.equal(database.prepare("select mine from state").pluck().get(), 1);
});

test("a new file is made for incremental shrinking and large pages", async (t) => {
  const file = join(await temporaryFolder(t), "test.db");
  await (await openStorage(t, file)).close();
  const database = new Library(file);
  t.after(() => database.close());
  assert.equal(database.pragma("auto_vacuum", { simple: true }), 2);
  assert.equal(database.pragma("page_size", { simple: true }), 8192);
  assert.equal(database.pragma("journal_mode", { simple: true }), "wal");
});
