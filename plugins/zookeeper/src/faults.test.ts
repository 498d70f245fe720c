import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { isStorageError } from "@etcd-adapter/core/storage";
import {
  isRequired,
  startZooKeeper,
  startZooKeeperEnsemble,
  waitUntil,
  type ZooKeeperEnsemble,
  type ZooKeeperServer,
} from "@etcd-adapter/test/dist/servers/index.js";
import { logFaults, openLog } from "@etcd-adapter/test/dist/storage-faults/index.js";
import { Connection } from "./connection.js";
import zookeeper from "./index.js";
import { acls } from "./library.js";

const SESSION_TIMEOUT_MS = 2_000;

const subject = { plugin: zookeeper, options: { "session-timeout-ms": SESSION_TIMEOUT_MS } };
const open = (url: string) => openLog(subject, url);

async function partsLeft(server: ZooKeeperServer, url: string): Promise<string[]> {
  const settings = {
    sessionTimeoutMs: SESSION_TIMEOUT_MS,
    requestTimeoutMs: SESSION_TIMEOUT_MS,
    auth: undefined,
    acl: acls.open,
  };
  const connection = await Connection.open(server, settings, { signal: new AbortController().signal });
  const chroot = `/${url.split("/").at(-1)}`;
  const [anchor, ...segments] = await connection.children(`${chroot}/log`);
  assert.ok(anchor !== undefined && segments.length === 0, "one anchor takes the log's place");
  const parts = await connection.children(`${chroot}/parts`);
  await connection.close();
  return parts;
}

if (isRequired("zookeeper"))
  logFaults({
    ...subject,
    name: "zookeeper",
    entrySizeOption: "max-entry-bytes",
    electionMs: 8_000,
    start: startZooKeeper,
    freshUrl: (server) => server.freshChroot(),
    partsLeft,
    startCluster: async () => {
      const cluster = await startZooKeeperEnsemble(3);
      // a session begins at any of the servers
      const freshUrls = async () => {
        const url = await cluster.freshChroot();
        return [url, url, url];
      };
      return { cluster, freshUrls };
    },
  });

if (isRequired("zookeeper"))
  describe("zookeeper, sessions", { timeout: 900_000 }, () => {
    let server: ZooKeeperServer;
    before(async () => {
      server = await startZooKeeper();
    });
    after(() => server?.[Symbol.asyncDispose]());

    it("goes on when its session has expired", async () => {
      const storage = await open(await server.freshChroot());
      const events: string[] = [];
      await storage.subscribe!({ onMoved: () => events.push("moved"), onLost: () => events.push("lost") });
      await storage.append(1n, () => Buffer.from("a"));
      await sleep(200);
      events.length = 0;
      // this whole process stands still, so nothing keeps its session alive
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 3 * SESSION_TIMEOUT_MS);
      await waitUntil(() => assert.deepEqual(events.slice(0, 2), ["lost", "moved"]), { timeoutMs: 10_000 });
      assert.equal(await storage.last(), 1n);
      await storage.append(2n, () => Buffer.from("b"));
      await waitUntil(() => assert.ok(events.length > 2), { timeoutMs: 5_000 });
      await storage.close();
    });
  });

if (isRequired("zookeeper"))
  describe("zookeeper, servers that lag", { timeout: 900_000 }, () => {
    let ensemble: ZooKeeperEnsemble;
    before(async () => {
      ensemble = await startZooKeeperEnsemble(3);
    });
    after(() => ensemble?.[Symbol.asyncDispose]());

    it("reads what another adapter has written, through whatever server", async () => {
      const url = await ensemble.freshChroot();
      const storages = await Promise.all(Array.from({ length: 6 }, () => open(url)));
      for (let sequence = 1n; sequence <= 60n; sequence++) {
        const writer = storages[Number(sequence) % storages.length]!;
        await writer.last();
        await writer.append(sequence, () => Buffer.from(`${sequence}`));
        const lasts = await Promise.all(storages.map((storage) => storage.last()));
        assert.deepEqual(new Set(lasts), new Set([sequence]));
        for (const storage of storages) assert.equal((await storage.read(sequence - 1n, 1)).length, 1);
      }
      await Promise.all(storages.map((storage) => storage.close()));
    });

    it("never reads what a follower that stood still still believes", async () => {
      const url = await ensemble.freshChroot();
      const [follower] = await ensemble.followers();
      const chroot = url.split("/").at(-1);
      const own = await open(`${follower!.url}/${chroot}`);
      const others = ensemble.nodes.filter((node) => node !== follower);
      const writer = await open(
        `zookeeper://${others.map(({ host, port }) => `${host}:${port}`).join(",")}/${chroot}`,
      );
      for (let round = 0; round < 5; round++) {
        const first = await writer.last();
        follower!.pause();
        for (let sequence = first + 1n; sequence <= first + 10n; sequence++)
          await writer.append(sequence, () => Buffer.from(`${sequence}`));
        // asked before it goes on, so that it is among the first things that the follower reads
        const asked = own.last().catch((error) => error as Error);
        follower!.resume();
        const answer = await asked;
        if (answer instanceof Error) assert.ok(isStorageError(answer, "unavailable"));
        else assert.equal(answer, first + 10n);
        await waitUntil(async () => assert.equal(await own.last(), first + 10n), { timeoutMs: 20_000 });
      }
      await Promise.all([own.close(), writer.close()]);
    });

    it("goes on when its session was lost while there was no majority", async () => {
      const storage = await open(await ensemble.freshChroot());
      const events: string[] = [];
      await storage.subscribe!({ onMoved: () => events.push("moved"), onLost: () => events.push("lost") });
      await storage.append(1n, () => Buffer.from("a"));
      await waitUntil(() => assert.ok(events.length >= 2), { timeoutMs: 5_000 });
      events.length = 0;
      const leader = await ensemble.leader();
      const [follower] = await ensemble.followers();
      await Promise.all([leader.kill9(), follower!.kill9()]);
      await sleep(3 * SESSION_TIMEOUT_MS);
      await assert.rejects(
        storage.append(2n, () => Buffer.from("b")),
        (error) => isStorageError(error, "unavailable"),
      );
      await Promise.all([leader.restart(), follower!.restart()]);
      await waitUntil(() => assert.equal(events.at(-1), "moved"), { timeoutMs: 30_000 });
      assert.equal(events[0], "lost");
      assert.equal(await storage.last(), 1n);
      await storage.append(2n, () => Buffer.from("b"));
      await storage.close();
    });
  });
