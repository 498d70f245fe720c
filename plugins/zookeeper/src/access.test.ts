import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { isStorageError } from "@etcd-adapter/core/storage";
import { isRequired, startZooKeeper, type ZooKeeperServer } from "@etcd-adapter/test/dist/servers/index.js";
import { optionsFromUrl, zookeeperOptions } from "./options.js";
import { ZooKeeperStorage } from "./storage.js";

if (isRequired("zookeeper"))
  describe("zookeeper with rights and quotas", { timeout: 900_000 }, () => {
    let server: ZooKeeperServer;
    let folder: string;
    before(async () => {
      server = await startZooKeeper({ settings: { enforceQuota: "true" } });
      folder = mkdtempSync(join(tmpdir(), "zookeeper-auth-"));
    });
    after(async () => {
      rmSync(folder, { recursive: true, force: true });
      await server?.[Symbol.asyncDispose]();
    });

    const storage = (url: string, options: object = {}) =>
      new ZooKeeperStorage(zookeeperOptions.parse({ ...optionsFromUrl(url), ...options }));
    const misconfigured = (error: unknown) => isStorageError(error, "misconfigured");

    it("keeps others out once it authenticates", async () => {
      const url = `${await server.freshChroot()}/below/it`;
      const file = join(folder, "auth");
      writeFileSync(file, "user:secret\n");
      const opened = storage(url, { "auth-file": file });
      await opened.open();
      await opened.append(1n, () => Buffer.from("a"));
      assert.equal(await opened.last(), 1n);

      await assert.rejects(storage(url).open(), misconfigured);
      await assert.rejects(storage(url, { auth: "user:wrong" }).open(), misconfigured);
      const again = storage(url, { auth: "user:secret" });
      await again.open();
      assert.equal(await again.last(), 1n);
      await Promise.all([opened.close(), again.close()]);
    });

    it("is unavailable while its rights are taken away, and goes on when they are back", async () => {
      const url = await server.freshChroot();
      const opened = storage(url);
      await opened.open();
      await opened.append(1n, () => Buffer.from("a"));
      const head = `/${url.split("/").at(-1)}/head`;
      const unavailable = (error: unknown) => isStorageError(error, "unavailable");
      await server.setPermissions(head, 16);
      await assert.rejects(
        opened.append(2n, () => Buffer.from("b")),
        unavailable,
      );
      await assert.rejects(opened.last(), unavailable);
      await server.setPermissions(head, 31);
      assert.equal(await opened.last(), 1n);
      await opened.append(2n, () => Buffer.from("b"));
      await opened.close();
    });

    it("is misconfigured without its file, and with one that holds no user", async () => {
      const url = await server.freshChroot();
      const file = join(folder, "empty");
      writeFileSync(file, "");
      for (const path of [file, join(folder, "nothing")])
        await assert.rejects(storage(url, { "auth-file": path }).open(), misconfigured);
    });

    it("is full when the quota is used up, and goes on", async () => {
      const url = await server.freshChroot();
      const opened = storage(url);
      await opened.open();
      const quota = `/zookeeper/quota/${url.split("/").at(-1)}`;
      await server.createZnode(quota, Buffer.alloc(0));
      const limits = "count=-1,bytes=-1=;byteHardLimit=20000;countHardLimit=-1";
      await server.createZnode(`${quota}/zookeeper_limits`, Buffer.from(limits));
      await server.createZnode(`${quota}/zookeeper_stats`, Buffer.from("count=0,bytes=0"));
      await opened.append(1n, () => Buffer.alloc(1_000));
      await assert.rejects(
        opened.append(2n, () => Buffer.alloc(30_000)),
        (error) => isStorageError(error, "full"),
      );
      await opened.append(2n, () => Buffer.alloc(1_000));
      assert.equal(await opened.last(), 2n);
      await opened.close();
    });
  });
