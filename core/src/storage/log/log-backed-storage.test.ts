import assert from "node:assert/strict";
import { test } from "node:test";
import { isStorageError, type StorageErrorCode } from "../errors.js";
import { LogBackedStorage } from "./log-backed-storage.js";
import { ProcessLog, ProcessLogBackend } from "./process-log.js";
import { change, commitOn, newestRange } from "./testing/commits.js";

const SNAPSHOTS = { snapshotSegments: 10, snapshotBytes: 1e9 };

async function openOn(backend: ProcessLogBackend): Promise<LogBackedStorage> {
  const storage = new LogBackedStorage(new ProcessLog(backend), SNAPSHOTS);
  await storage.open();
  return storage;
}

/** Commits `times` times one key's change, each upon the storage's newest head. */
async function write(storage: LogBackedStorage, key: string, times = 1): Promise<void> {
  for (let n = 0; n < times; n++) {
    await storage.commit(commitOn(await storage.head(), { revisions: [[change(key, `${n}`)]] }));
    await storage.snapshotsSettled();
  }
}

async function rejectsWith(code: StorageErrorCode, call: Promise<unknown>): Promise<void> {
  await assert.rejects(call, (error) => isStorageError(error, code));
}

async function fieldsOf(storage: LogBackedStorage): Promise<string> {
  return (await storage.range(newestRange())).fields.toString();
}

test("reads that wait share a look at the log's end, but none that began before them", async () => {
  const backend = new ProcessLogBackend();
  const storage = await openOn(backend);
  const other = await openOn(backend);
  const before = backend.calls.last;
  const early = storage.head();
  const commit = other.commit(
    commitOn({ sequence: 0n, revision: 1n, compacted: -1n }, { revisions: [[change("a", "1")]] }),
  );
  await commit;
  const late = await Promise.all(Array.from({ length: 50 }, () => storage.head()));
  await early;
  for (const head of late) assert.equal(head.sequence, 1n);
  assert.ok(backend.calls.last - before <= 3, `${backend.calls.last - before} looks for 51 reads`);
});

test("a conflict takes over nothing; the next linearizable read does", async () => {
  const backend = new ProcessLogBackend();
  const storage = await openOn(backend);
  const base = await storage.head();
  await write(await openOn(backend), "a");
  await rejectsWith("conflict", storage.commit(commitOn(base, { revisions: [[change("a", "late")]] })));
  const known = await storage.range({ ...newestRange(), linearizable: false });
  assert.equal(known.head.sequence, 0n);
  assert.equal(await fieldsOf(storage), "a=0;");
  assert.equal((await storage.range({ ...newestRange(), linearizable: false })).head.sequence, 1n);
});

test("a lost acknowledgement is found out by the commit's id", async () => {
  const backend = new ProcessLogBackend();
  const storage = await openOn(backend);
  const commit = commitOn(await storage.head(), { revisions: [[change("a", "1")]] });
  backend.fault = () => "lost acknowledgement";
  await rejectsWith("uncertain", storage.commit(commit));
  backend.fault = () => undefined;
  await rejectsWith("conflict", storage.commit(commit));
  assert.deepEqual(await storage.commitId(1n), commit.id);
  assert.deepEqual(await storage.head(), commit.head);
  assert.equal(await fieldsOf(storage), "a=1;");
});

test("a lost request is committed the second time", async () => {
  const backend = new ProcessLogBackend();
  const storage = await openOn(backend);
  const commit = commitOn(await storage.head(), { revisions: [[change("a", "1")]] });
  for (const [fault, code] of [
    ["lost request", "uncertain"],
    ["unavailable", "unavailable"],
  ] as const) {
    backend.fault = () => fault;
    await rejectsWith(code, storage.commit(commit));
  }
  backend.fault = () => undefined;
  await storage.commit(commit);
  assert.equal(await fieldsOf(storage), "a=1;");
});

test("a log that is not shared is asked for its end only after an append that failed", async () => {
  const backend = new ProcessLogBackend();
  const storage = new LogBackedStorage(Object.assign(new ProcessLog(backend), { shared: false }));
  await storage.open();
  const before = backend.calls.last;
  await write(storage, "a", 3);
  await fieldsOf(storage);
  assert.equal(backend.calls.last, before);
  const commit = commitOn(await storage.head(), { revisions: [[change("a", "lost")]] });
  backend.fault = () => "lost acknowledgement";
  await rejectsWith("uncertain", storage.commit(commit));
  assert.deepEqual(await storage.head(), commit.head);
  assert.equal(await fieldsOf(storage), "a=lost;");
});

test("one adapter of many writes each snapshot, and the log is trimmed behind it", async () => {
  const backend = new ProcessLogBackend();
  const storages = await Promise.all(Array.from({ length: 4 }, () => openOn(backend)));
  for (let n = 0; n < 40; n++) await write(storages[n % 4]!, `k${n % 6}`);
  assert.equal(backend.calls.saveSnapshot, 4);
  assert.equal(backend.snapshot?.sequence, 40n);
  assert.equal(backend.segments[0]?.sequence, 31n);
  const expected = await fieldsOf(storages[0]!);
  assert.equal(await fieldsOf(await openOn(backend)), expected);
});

test("an adapter that lags behind the trimmed log goes on from a snapshot", async () => {
  const backend = new ProcessLogBackend();
  const lagging = await openOn(backend);
  const writer = await openOn(backend);
  await write(lagging, "first");
  await write(writer, "a", 45);
  assert.ok(backend.segments[0]!.sequence > 2n);
  assert.deepEqual(await lagging.head(), await writer.head());
  assert.equal(await fieldsOf(lagging), await fieldsOf(writer));
  await write(lagging, "back");
  assert.equal(await fieldsOf(writer), "a=44;back=0;first=0;");
});

test("a log that was trimmed without a snapshot is corrupt", async () => {
  const backend = new ProcessLogBackend();
  await write(await openOn(backend), "a", 5);
  backend.trim(3n);
  await rejectsWith("corrupt", new LogBackedStorage(new ProcessLog(backend)).open());
});

test("a snapshot that fails is reported, and the next mark makes up for it", async () => {
  const backend = new ProcessLogBackend();
  const errors: unknown[] = [];
  const log = new ProcessLog(backend);
  const save = log.saveSnapshot.bind(log);
  log.saveSnapshot = async () => {
    throw new Error("no space");
  };
  const storage = new LogBackedStorage(log, { ...SNAPSHOTS, onSnapshotError: (error) => errors.push(error) });
  await storage.open();
  await write(storage, "a", 10);
  assert.equal(errors.length, 1);
  assert.equal(backend.segments.length, 10);
  log.saveSnapshot = save;
  await write(storage, "a", 10);
  assert.equal(backend.snapshot?.sequence, 20n);
});

test("a commit that contradicts itself never reaches the log", async () => {
  const backend = new ProcessLogBackend();
  const storage = await openOn(backend);
  const commit = commitOn(await storage.head(), { revisions: [[change("a", "1")]] });
  const contradictions = [
    { ...commit, id: Buffer.alloc(3) },
    { ...commit, head: { ...commit.head, revision: 9n } },
    { ...commit, head: { ...commit.head, sequence: 2n } },
  ];
  for (const one of contradictions) await rejectsWith("internal", storage.commit(one));
  assert.equal(backend.segments.length, 0);
});
