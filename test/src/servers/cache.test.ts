import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { cached } from "./cache.js";

describe("cache", () => {
  let root: string;
  const before = process.env.ETCD_ADAPTER_CACHE;
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), "etcd-adapter-cache-"));
    process.env.ETCD_ADAPTER_CACHE = root;
  });
  afterEach(async () => {
    if (before === undefined) delete process.env.ETCD_ADAPTER_CACHE;
    else process.env.ETCD_ADAPTER_CACHE = before;
    await rm(root, { recursive: true });
  });

  it("fills a folder once for all who ask at the same time", async () => {
    let fills = 0;
    const fill = async (folder: string) => {
      fills++;
      await sleep(50);
      await writeFile(join(folder, "program"), "whole");
    };
    const folders = await Promise.all([cached("a-1", fill), cached("a-1", fill), cached("a-1", fill)]);
    assert.equal(fills, 1);
    assert.deepEqual(new Set(folders), new Set([join(root, "a-1")]));
    assert.equal(await readFile(join(root, "a-1", "program"), "utf8"), "whole");
  });

  it("leaves nothing behind when filling fails, and tries again", async () => {
    await assert.rejects(
      cached("a-1", async () => {
        throw new Error("no network");
      }),
      /no network/,
    );
    assert.deepEqual(await readdir(root), []);
    await cached("a-1", async () => {});
    assert.deepEqual(await readdir(root), ["a-1"]);
  });

  it("takes over the lock of a process that died", async () => {
    const lock = join(root, "a-1.lock");
    await writeFile(lock, "");
    const minuteAgo = new Date(Date.now() - 60_000);
    await utimes(lock, minuteAgo, minuteAgo);
    await cached("a-1", async () => {});
    assert.deepEqual(await readdir(root), ["a-1"]);
  });
});
