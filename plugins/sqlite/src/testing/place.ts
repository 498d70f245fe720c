import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import type { QueryStorage } from "@etcd-adapter/core/storage";
import { buildCommit, type Draft, type Model, put } from "@etcd-adapter/plugin-kit";
import { pino } from "pino";
import sqlite from "../index.js";
import { readRecords } from "../redo-file.js";

/** A folder that goes with the test. */
export async function temporaryFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "etcd-adapter-sqlite-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** A storage on `file`, not opened. */
export function createStorage(file: string, options: object = {}): QueryStorage {
  if (sqlite.kind !== "query") throw new Error("not a query plugin");
  const context = { logger: pino({ level: "silent" }), dataDir: "/nonexistent" };
  return sqlite.create(sqlite.options.parse({ path: file, ...options }), context);
}

/** One that is closed with the test. */
export async function openStorage(t: TestContext, file: string, options?: object): Promise<QueryStorage> {
  const storage = createStorage(file, options);
  t.after(() => storage.close());
  await storage.open();
  return storage;
}

export async function write(storage: QueryStorage, model: Model, draft: Draft): Promise<void> {
  const commit = buildCommit(model, draft);
  await storage.commit(commit);
  model.apply(commit);
}

/** Writes until the redo log takes the commits. */
export async function writeUntilRedo(storage: QueryStorage, model: Model, file: string): Promise<void> {
  for (const end = Date.now() + 10_000; Date.now() < end; ) {
    await write(storage, model, { revisions: [[put("a", "1")]] });
    const records = await readFile(`${file}-redo-1`).then(readRecords, () => undefined);
    if (records && records.blocks.length > 0) return;
  }
  throw new Error("the redo log was never used");
}
