import assert from "node:assert/strict";
import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { pino } from "pino";
import { hashKeySpace } from "../mvcc/hash.js";
import type { Store } from "../mvcc/store.js";
import { del, openStore, put, txn } from "../mvcc/testing.js";
import { restoreSnapshot } from "../snapshot/index.js";
import { type QueryStorage, REGISTRY } from "../storage/index.js";
import { LogBackedStorage, ProcessLog, ProcessLogBackend } from "../storage/log/index.js";
import { copyIntoStorage } from "./copy-into-storage.js";
import type { Copying } from "./copying.js";
import { Progress } from "./progress.js";
import { checkSnapshotFile } from "./snapshot-file.js";
import type { Source } from "./source.js";
import { StorageSource } from "./storage-source.js";
import { WorkFolder } from "./work-folder.js";

const folder = mkdtempSync(join(tmpdir(), "etcd-adapter-moving-"));
const silent = new Progress(() => {});
let large: Store;
let small: Store;
let largeFile: string;
let smallFile: string;

before(async () => {
  [large, small] = await Promise.all([openStore(), openStore()]);
  await large.lessor.grant(7n, 600n);
  for (let index = 0; index < 120; index++) {
    await large.txn(txn(Array.from({ length: 100 }, (_, key) => put(`k${index % 60}/${key}`, `v${index}`))));
  }
  await large.put(put("leased", "x", { lease: 7n }));
  await large.deleteRange(del("k1/", "k2/"));
  await large.compactor.compact(50n, true);
  await small.put(put("only", "one"));
  [largeFile, smallFile] = await Promise.all([saved(large, "large"), saved(small, "small")]);
});
after(() => Promise.all([large.close(), small.close()]));

async function saved(store: Store, name: string): Promise<string> {
  const path = join(folder, name);
  await (await StorageSource.open(name, store.storage)).save(path, folder, silent);
  return path;
}

async function emptyStorage(): Promise<QueryStorage> {
  const storage = new LogBackedStorage(new ProcessLog(new ProcessLogBackend()));
  await storage.open();
  return storage;
}

async function into(storage: QueryStorage, path: string, overwrite = false): Promise<readonly string[]> {
  const source: Source = {
    label: path,
    path,
    save: () => Promise.reject(new Error("it is there already")),
    hash: async () => undefined,
    close: async () => {},
  };
  const copying: Copying = {
    source,
    work: await WorkFolder.open(join(folder, "work"), path, "target"),
    overwrite,
    context: { logger: pino({ level: "silent" }), dataDir: folder },
    progress: silent,
  };
  return copyIntoStorage("target", storage, copying);
}

/** A restore that ends in the middle, as by kill -9. */
async function interrupted(path: string): Promise<QueryStorage> {
  const storage = await emptyStorage();
  const bytes = readFileSync(path);
  const half = async function* () {
    for (let at = 0; at < bytes.length * 0.6; at += 8_192) yield bytes.subarray(at, at + 8_192);
    throw new Error("killed");
  };
  const { digest } = await checkSnapshotFile(path);
  await assert.rejects(restoreSnapshot(half(), storage, { identity: digest! }), /killed/);
  const { revision } = await storage.head();
  assert.ok(revision > 20n && revision < large.revision, `it ended at revision ${revision}`);
  return storage;
}

async function assertEqual(storage: QueryStorage, store: Store): Promise<void> {
  const revisions = [0n, store.revision, store.revision - 3n];
  for (const revision of revisions.filter((each) => each >= 0n)) {
    const [expected, actual] = await Promise.all(
      [store.storage, storage].map((each) => hashKeySpace(each, revision)),
    );
    assert.deepEqual([actual!.hash, actual!.compactRevision], [expected!.hash, expected!.compactRevision]);
  }
}

test("an interrupted copy goes on where it ended", async () => {
  const storage = await interrupted(largeFile);
  const { sequence } = await storage.head();
  assert.match((await into(storage, largeFile)).join("\n"), /^copied [\d,]+ versions up to revision/);
  await assertEqual(storage, large);
  const once = await emptyStorage();
  await into(once, largeFile);
  assert.equal((await storage.head()).sequence, (await once.head()).sequence);
  assert.ok((await storage.head()).sequence > sequence);
  assert.match((await into(storage, largeFile)).join("\n"), /^nothing to do/);
  assert.deepEqual((await storage.leaseKeys(7n)).keys.map(String), ["leased"]);
});

test("one of another state is refused, or replaced", async () => {
  const storage = await interrupted(largeFile);
  const head = await storage.head();
  await assert.rejects(into(storage, smallFile), /a part of another copy or restore .* --overwrite\.$/);
  assert.deepEqual((await storage.head()).sequence, head.sequence);
  assert.match((await into(storage, smallFile, true)).join("\n"), /1 keys agrees/);
  assert.match((await into(storage, smallFile)).join("\n"), /^nothing to do/);
  await assert.rejects(StorageSource.open("x", await interrupted(largeFile)), /has not ended/);
  await (await StorageSource.open("x", storage)).save(join(folder, "replaced"), folder, silent);
});

test("a storage on which an adapter was started once, and nothing written", async () => {
  const used = await openStore();
  await used.committer.propose({
    keys: [],
    bytes: 0,
    evaluate: (draft) => draft.registryPut("cluster-id", Buffer.from("its own")),
  });
  await into(used.storage, largeFile);
  await assertEqual(used.storage, large);
  const { entries } = (await used.storage.since(REGISTRY)).registry;
  assert.ok(entries.some(({ key, value }) => key === "cluster-id" && value?.toString() === "its own"));
  await used.close();
});

test("a storage with other data is refused with what is there, and left alone", async () => {
  const used = await openStore();
  await used.put(put("foreign", "x"));
  await assert.rejects(
    into(used.storage, smallFile),
    /target has other data: the key "foreign"; --overwrite/,
  );
  const { sequence } = await used.storage.head();
  await assert.rejects(into(used.storage, largeFile), /has other data/);
  assert.equal((await used.storage.head()).sequence, sequence);
  await used.close();
});

test("another writer is noticed", async () => {
  const used = await openStore();
  const racing = new Proxy(used.storage, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      if (name !== "commit" || typeof value !== "function")
        return typeof value === "function" ? value.bind(target) : value;
      return async (commit: Parameters<QueryStorage["commit"]>[0]) => {
        await used.lessor.grant(0n, 60n);
        return value.call(target, commit);
      };
    },
  });
  await assert.rejects(
    into(racing, largeFile),
    /target: something else writes there, such as a running adapter/,
  );
  await used.close();
});
