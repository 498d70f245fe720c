import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { isStorageError, type LogStorage } from "@etcd-adapter/core/storage";
import { type Cluster, type ServerProcess, waitUntil } from "../servers/index.js";
import { assertLog, LogWriter } from "./log-writer.js";
import { type FaultyCluster, type LogFaultSubject, openLog, REQUEST_TIMEOUT_MS } from "./subject.js";

const LARGE_BYTES = 50_000;

/** What a log storage on a server, or on several, must bear. The counterpart of `storageFaults`. */
export function logFaults<Options, S extends ServerProcess>(subject: LogFaultSubject<Options, S>): void {
  describe(`${subject.name}, faults of one server`, { timeout: 900_000 }, () => serverFaults(subject));
  describe(`${subject.name}, faults of a cluster`, { timeout: 900_000 }, () => clusterFaults(subject));
}

function serverFaults<Options, S extends ServerProcess>(subject: LogFaultSubject<Options, S>): void {
  let server: S;
  before(async () => {
    server = await subject.start();
  });
  after(() => server?.[Symbol.asyncDispose]());
  const fresh = () => subject.freshUrl(server);
  const open = (url: string) => openLog(subject, url);
  const race = async (fault: () => Promise<void>) => {
    const url = await fresh();
    await raceLog(subject, [url, url, url], fault);
  };

  it("keeps every acknowledged append of three racing writers", () => race(async () => {}));

  it("keeps every acknowledged large append, and leaves no parts behind", async () => {
    const url = await fresh();
    const small = `${url}?${subject.entrySizeOption}=16384`;
    const sweeper = await open(small);
    // to trim nothing is to sweep: it must spare what is in flight
    const sweep = async () => {
      for (const end = performance.now() + 2_000; performance.now() < end; ) await sweeper.trim(0n);
    };
    await raceLog(subject, [small, small, small], sweep, LARGE_BYTES).finally(() => sweeper.close());
    assert.deepEqual(await subject.partsLeft(server, url), [], "trim swept the parts of every failed append");
  });

  it("keeps every acknowledged append when the server is killed and starts again", () =>
    race(async () => {
      await server.kill9();
      await sleep(500);
      await server.restart();
    }));

  it("keeps every acknowledged append when the server stands still", () =>
    race(async () => {
      server.pause();
      await sleep(3 * REQUEST_TIMEOUT_MS);
      server.resume();
    }));

  it("says that an append is uncertain when the server does not answer", async () => {
    const storage = await open(await fresh());
    server.pause();
    await assert.rejects(
      storage.append(1n, () => Buffer.from("a")),
      (error) => isStorageError(error, "uncertain"),
    );
    await assert.rejects(storage.last(), (error) => isStorageError(error, "unavailable"));
    server.resume();
    await storage.close();
  });

  it("says that the backend is unavailable when there is no server, and closes at once", async () => {
    const storage = await open(await fresh());
    await server.kill9();
    await assert.rejects(
      storage.append(1n, () => Buffer.from("a")),
      (error) => isStorageError(error, "unavailable"),
    );
    const start = performance.now();
    await storage.close();
    assert.ok(performance.now() - start < 1_000);
    await assert.rejects(storage.last(), (error) => isStorageError(error, "closed"));
    await server.restart();
  });

  it("tells its subscriber when the push is lost and when it is back", async () => {
    const storage = await open(await fresh());
    const events: string[] = [];
    const stop = await storage.subscribe!({
      onMoved: () => events.push("moved"),
      onLost: () => events.push("lost"),
    });
    await storage.append(1n, () => Buffer.from("a"));
    await waitUntil(() => assert.ok(events.length >= 2), { timeoutMs: 5_000, intervalMs: 5 });
    await server.restart();
    await waitUntil(() => assert.equal(events.at(-1), "moved"), { timeoutMs: 20_000 });
    assert.equal(events.filter((event) => event === "lost").length, 1, "it is lost once");
    events.length = 0;
    await storage.append(2n, () => Buffer.from("b"));
    await waitUntil(() => assert.deepEqual(events, ["moved"]), { timeoutMs: 5_000, intervalMs: 5 });
    await stop();
    await storage.append(3n, () => Buffer.from("c"));
    await sleep(200);
    assert.deepEqual(events, ["moved"], "nothing comes after the end");
    await storage.close();
  });
}

function clusterFaults<Options, S extends ServerProcess>(subject: LogFaultSubject<Options, S>): void {
  let started: FaultyCluster<S>;
  before(async () => {
    started = await subject.startCluster();
  });
  after(() => started?.cluster[Symbol.asyncDispose]());
  const race = async (fault: (cluster: Cluster<S>) => Promise<void>) =>
    raceLog(subject, await started.freshUrls(), () => fault(started.cluster));

  it("keeps every acknowledged append when the leader is killed", () =>
    race(async (cluster) => {
      const killed = await cluster.killLeader();
      await cluster.leader();
      await sleep(500);
      await killed.restart();
    }));

  it("keeps every acknowledged append when the leader stands still", () =>
    race(async (cluster) => {
      const leader = await cluster.leader();
      leader.pause();
      await sleep(subject.electionMs);
      leader.resume();
    }));
}

/** A writer on each of the URLs appends while `fault` goes on, and for some appends after it. */
async function raceLog<Options, S extends ServerProcess>(
  subject: LogFaultSubject<Options, S>,
  urls: readonly string[],
  fault: () => Promise<void>,
  payloadBytes?: number,
): Promise<void> {
  const storages: LogStorage[] = await Promise.all(urls.map((url) => openLog(subject, url)));
  const writers = storages.map((storage, index) => new LogWriter(storage, `writer${index}`, payloadBytes));
  try {
    let over = false;
    const running = Promise.all(writers.map((writer) => writer.run(() => over)));
    const count = () => writers.reduce((sum, writer) => sum + writer.acknowledged.size, 0);
    const disturb = async () => {
      await sleep(500);
      await fault();
      const before = count();
      await waitUntil(() => assert.ok(count() > before + 10), { timeoutMs: 60_000 });
      over = true;
    };
    await Promise.all([running, disturb()]);
    const reader = await openLog(subject, urls[0]!);
    await assertLog(reader, writers).finally(() => reader.close());
    await storages[0]!.trim(await storages[0]!.last());
  } finally {
    await Promise.all(storages.map((storage) => storage.close()));
  }
}
