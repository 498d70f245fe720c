import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { ProcessLogBackend } from "../../storage/log/index.js";
import type { Store } from "../store.js";
import { bytes, del, openStore, put, txn, watchAll } from "../testing.js";
import type { EventBatch } from "./group.js";
import type { WatchRequest, WatchSink, WatchStream } from "./stream.js";
import type { Watcher } from "./watcher.js";

/** A client that keeps what it is sent, and takes no more while `open` is false. */
class Client implements WatchSink {
  readonly revisions: bigint[] = [];
  readonly log: string[] = [];
  eventCount = 0;
  open = true;
  readonly stream: WatchStream;

  constructor(store: Store) {
    this.stream = store.watch.openStream(this);
  }

  watch(request: WatchRequest): Watcher {
    const watcher = this.stream.create(request)!;
    this.stream.start(watcher);
    return watcher;
  }

  events(watcher: Watcher, batch: EventBatch): boolean {
    this.revisions.push(batch.revision);
    this.eventCount += batch.events.length;
    this.log.push(`${watcher.id}:${batch.events.length}@${batch.revision}`);
    return this.open;
  }

  compacted(watcher: Watcher, compacted: bigint): void {
    this.log.push(`${watcher.id} compacted ${compacted}`);
  }

  progress(id: bigint, revision: bigint): void {
    this.log.push(`${id} progress ${revision}`);
  }

  async settled(events: number): Promise<void> {
    for (let turn = 0; turn < 400 && this.eventCount < events; turn++) await sleep(5);
    await sleep(20);
  }
}

function isIncreasing(revisions: readonly bigint[]): boolean {
  return revisions.every((revision, index) => index === 0 || revision > revisions[index - 1]!);
}

test("history, then what comes: each change once and in order", async () => {
  const store = await openStore();
  for (let index = 0; index < 50; index++) await store.put(put(`k${index}`));
  const client = new Client(store);
  client.watch(watchAll({ startRevision: 2n }));
  const later = Promise.all(Array.from({ length: 50 }, (_, index) => store.put(put(`l${index}`))));
  await later;
  await client.settled(100);
  assert.equal(client.eventCount, 100);
  assert.ok(isIncreasing(client.revisions));
  await store.close();
});

test("a slow client holds up nobody and gets everything when it reads again", async () => {
  const store = await openStore();
  const [slow, quick] = [new Client(store), new Client(store)];
  slow.open = false;
  slow.watch(watchAll());
  quick.watch(watchAll());
  for (let index = 0; index < 200; index++) await store.put(put("k", String(index)));
  await quick.settled(200);
  assert.equal(quick.eventCount, 200);
  assert.equal(slow.eventCount, 1);
  slow.open = true;
  slow.stream.drained();
  await slow.settled(200);
  assert.equal(slow.eventCount, 200);
  assert.ok(isIncreasing(slow.revisions));
  await store.close();
});

test("a revision is never split, and watchers see only what they asked for", async () => {
  const store = await openStore();
  const client = new Client(store);
  client.watch(watchAll({ interval: { start: bytes("a"), end: bytes("b") }, noDelete: true }));
  client.watch(watchAll({ interval: { start: bytes("x"), end: bytes("x\0") } }));
  await store.txn(txn([put("a1"), put("a2"), put("b"), put("x")]));
  await store.deleteRange(del("a1"));
  await client.settled(3);
  assert.deepEqual(client.log, ["0:2@2", "1:1@2"]);
  await store.close();
});

test("a watch from a compacted revision ends, one from the compacted revision itself goes on", async () => {
  const store = await openStore();
  for (let index = 0; index < 10; index++) await store.put(put("k", String(index)));
  await store.compactor.compact(8n, true);
  const client = new Client(store);
  client.watch(watchAll({ startRevision: 7n }));
  client.watch(watchAll({ startRevision: 8n }));
  await client.settled(4);
  assert.deepEqual(client.log.sort(), ["0 compacted 8", "1:4@11"]);
  client.stream.requestProgress();
  assert.equal(client.log.length, 2, "a watcher that was ended by compaction holds back progress");
  await store.close();
});

test("progress is answered when every watcher is up to date, and else dropped", async () => {
  const store = await openStore();
  await store.put(put("k"));
  const client = new Client(store);
  client.stream.requestProgress();
  client.watch(watchAll());
  client.stream.requestProgress();
  await store.put(put("k"));
  client.stream.requestProgress();
  assert.deepEqual(client.log, ["0:1@3", "-1 progress 3"]);
  await store.close();
});

test("a watcher on another adapter sees every change once and in order", async () => {
  const backend = new ProcessLogBackend();
  const [writer, reader] = await Promise.all([openStore(backend), openStore(backend)]);
  const client = new Client(reader);
  client.watch(watchAll());
  for (let round = 0; round < 10; round++) {
    await Promise.all(Array.from({ length: 20 }, (_, index) => writer.put(put(`${round}/${index}`))));
    await reader.put(put("own"));
  }
  await client.settled(210);
  assert.equal(client.eventCount, 210);
  assert.ok(isIncreasing(client.revisions));
  await Promise.all([writer.close(), reader.close()]);
});
