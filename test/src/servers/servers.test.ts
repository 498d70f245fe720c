import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { isRequired, type ServerName } from "./available.js";
import type { Cluster } from "./cluster.js";
import {
  type ConsulServer,
  type ServerProcess,
  type SqlServer,
  startConsul,
  startConsulCluster,
  startEtcd,
  startMariadb,
  startPostgres,
  startRedis,
  startTidb,
  startZooKeeper,
  startZooKeeperEnsemble,
  type ZooKeeperServer,
} from "./index.js";
import { isAlive, processTree } from "./process-tree.js";

interface ServerCase<S extends ServerProcess> {
  readonly start: () => Promise<S>;
  readonly write: (server: S, value: string) => Promise<unknown>;
  readonly read: (server: S) => Promise<string>;
}

function serverTests<S extends ServerProcess>(name: ServerName, { start, write, read }: ServerCase<S>): void {
  if (!isRequired(name)) return;
  describe(name, { timeout: 900_000 }, () => {
    let server: S;
    before(async () => {
      server = await start();
    });
    after(() => server?.[Symbol.asyncDispose]());

    it("answers a real request", async () => {
      await write(server, "first");
      assert.equal(await read(server), "first");
    });

    it("keeps its data when it restarts", async () => {
      const before = server.pid;
      await server.restart();
      assert.notEqual(server.pid, before);
      assert.equal(await read(server), "first");
    });

    it("keeps what it has acknowledged when it is killed", async () => {
      await write(server, "second");
      await server.kill9();
      assert.equal(server.isRunning, false);
      await server.restart();
      assert.equal(await read(server), "second");
    });

    it("answers nothing while it is paused, and then goes on", async () => {
      server.pause();
      let answered = false;
      const answer = read(server).finally(() => {
        answered = true;
      });
      await sleep(500);
      assert.equal(answered, false);
      server.resume();
      assert.equal(await answer, "second");
    });

    it("leaves no process when it stops", async () => {
      const tree = processTree(server.pid);
      await server.stop();
      assert.deepEqual(tree.filter(isAlive), []);
      assert.throws(() => server.pid, /is not running/);
    });
  });
}

function clusterTests<S extends ServerProcess>(
  name: ServerName,
  { start, write, read }: Omit<ServerCase<S>, "start"> & { readonly start: () => Promise<Cluster<S>> },
): void {
  if (!isRequired(name)) return;
  it(`${name} of three nodes elects another leader when its leader is killed`, {
    timeout: 300_000,
  }, async () => {
    const cluster = await start();
    try {
      const first = await cluster.leader();
      await write(first, "before");
      assert.equal(await cluster.killLeader(), first);
      const second = await cluster.leader();
      assert.notEqual(second, first);
      assert.equal(await read(second), "before");
      await first.restart();
      assert.equal((await cluster.followers()).length, 2);
    } finally {
      await cluster[Symbol.asyncDispose]();
    }
    for (const node of cluster.nodes) assert.ok(!existsSync(node.folder), "its data is gone");
  });
}

function sqlCase(start: () => Promise<SqlServer>): ServerCase<SqlServer> {
  let databaseUrl: string;
  return {
    start: async () => {
      const server = await start();
      databaseUrl = await server.freshDatabase();
      assert.notEqual(await server.freshDatabase(), databaseUrl);
      await server.sql("create table kv (v varchar(20))", databaseUrl);
      return server;
    },
    write: (server, value) => server.sql(`delete from kv; insert into kv values ('${value}')`, databaseUrl),
    read: async (server) => (await server.sql("select v from kv", databaseUrl)).trim(),
  };
}

serverTests("etcd", {
  start: startEtcd,
  write: (server, value) => server.etcdctl(["put", "key", value]),
  read: async (server) => (await server.etcdctl(["get", "key", "--print-value-only"])).trim(),
});
serverTests("postgres", sqlCase(startPostgres));
serverTests("mariadb", sqlCase(startMariadb));
serverTests("tidb", sqlCase(startTidb));

const consulCase = {
  write: async (server: ConsulServer, value: string) => {
    const answer = await server.request("/v1/kv/key", { method: "PUT", body: value });
    assert.equal(await answer.text(), "true");
  },
  read: async (server: ConsulServer) => (await server.request("/v1/kv/key?raw&consistent")).text(),
};
serverTests("consul", { ...consulCase, start: () => startConsul({ acl: true }) });
clusterTests("consul", { ...consulCase, start: () => startConsulCluster(3) });

const zooKeeperCase = {
  // each value is a znode of its own: the harness's client cannot overwrite
  write: (server: ZooKeeperServer, value: string) => server.createZnode(`/${value}`, Buffer.from(value)),
  read: async (server: ZooKeeperServer) => {
    const values = ["second", "first", "before"].map((value) =>
      server.readZnode(`/${value}`).catch(() => undefined),
    );
    return String((await Promise.all(values)).find((value) => value !== undefined));
  },
};
serverTests("zookeeper", { ...zooKeeperCase, start: startZooKeeper });
clusterTests("zookeeper", { ...zooKeeperCase, start: () => startZooKeeperEnsemble(3) });

serverTests("redis", {
  start: startRedis,
  write: (server, value) => server.command("SET", "key", value),
  read: async (server) => (await server.command("GET", "key")).split("\r\n")[1]!,
});
