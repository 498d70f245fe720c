/** The npm package `etcd3`, as a Node program would use it. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Etcd3 } from "etcd3";
import { storageBackends } from "../adapter/backends.js";
import { type AdapterProcess, startAdapterProcess } from "../adapter/start.js";

for (const backend of storageBackends()) {
  describe(`npm etcd3 on ${backend.name}`, () => {
    let adapter: AdapterProcess;
    let client: Etcd3;

    before(async () => {
      adapter = await startAdapterProcess(await backend.fresh());
      client = new Etcd3({ hosts: adapter.url });
    });
    after(async () => {
      client.close();
      await adapter.stop();
    });

    test("put and get by prefix", async () => {
      await client.put("foo/1").value("one");
      await client.put("foo/2").value("two");
      await client.put("bar").value("other");
      assert.equal(await client.get("foo/1").string(), "one");
      assert.deepEqual(await client.getAll().prefix("foo/").strings(), { "foo/1": "one", "foo/2": "two" });
      assert.equal(await client.getAll().prefix("foo/").count(), 2);
      assert.deepEqual(await client.getAll().prefix("foo/").sort("Key", "Descend").limit(1).keys(), [
        "foo/2",
      ]);
    });

    test("a transaction, and one that loses", async () => {
      const swap = (from: string, to: string) =>
        client
          .if("foo/1", "Value", "==", from)
          .then(client.put("foo/1").value(to))
          .else(client.get("foo/1"))
          .commit();
      assert.equal((await swap("one", "1")).succeeded, true);
      assert.equal((await swap("one", "2")).succeeded, false);
      assert.equal(await client.get("foo/1").string(), "1");
    });

    test("a lease with keep-alive keeps its key, and revoking it removes it", async () => {
      const lease = client.lease(2);
      await lease.put("leased").value("1");
      await new Promise((resolve) => setTimeout(resolve, 4_000));
      assert.equal(await client.get("leased").string(), "1");
      await lease.revoke();
      assert.equal(await client.get("leased").string(), null);
    });

    test("a lock keeps others out", async () => {
      const first = client.lock("mutex");
      await first.acquire();
      await assert.rejects(client.lock("mutex").acquire());
      await first.release();
      const again = await client.lock("mutex").acquire();
      await again.release();
    });

    test("a watch from a past revision, then a compaction", async () => {
      const { header } = await client.put("watched").value("1");
      await client.put("watched").value("2");
      const watcher = await client.watch().key("watched").startRevision(header.revision).create();
      const values: string[] = [];
      watcher.on("put", (kv) => values.push(kv.value.toString()));
      await client.put("watched").value("3");
      for (let turn = 0; turn < 200 && values.length < 3; turn++)
        await new Promise((resolve) => setTimeout(resolve, 10));
      assert.deepEqual(values, ["1", "2", "3"]);
      await watcher.cancel();
      await client.kv.compact({ revision: (BigInt(header.revision) + 1n).toString() });
      await assert.rejects(client.get("watched").revision(header.revision).string(), /compacted/);
    });

    test("deleting by prefix", async () => {
      const { deleted } = await client.delete().prefix("foo/");
      assert.equal(deleted, "2");
    });
  });
}
