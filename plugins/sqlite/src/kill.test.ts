import assert from "node:assert/strict";
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { StorageError } from "@etcd-adapter/core/storage";
import { createStorage, openStorage, temporaryFolder } from "./testing/place.js";

const PROGRAM = fileURLToPath(new URL("./testing/committer.js", import.meta.url));

test("a process killed at any moment loses no acknowledged commit, and its lock", async (t) => {
  const folder = await temporaryFolder(t);
  // With values of 100 kB the redo log's files have taken turns several times by then.
  for (const [afterMs, valueBytes] of [
    [30, 0],
    [80, 0],
    [150, 0],
    [1_500, 100_000],
  ] as const) {
    const file = join(folder, `${afterMs}.db`);
    const acknowledged = await commitUntilKilled(file, afterMs, valueBytes);
    const storage = await openStorage(t, file);
    const { sequence, revision } = await storage.head();
    assert.ok(sequence >= acknowledged && sequence <= acknowledged + 1n, `${sequence} after ${acknowledged}`);
    let revisions = 0;
    for (let after = 1n; after < revision; ) {
      const query = { after, through: revision, interval: null, limit: 10_000, previous: false };
      const page = await storage.changes(query);
      revisions += page.revisions.length;
      after = page.through;
    }
    assert.equal(BigInt(revisions), sequence, "each commit has one revision");
    await storage.close();
  }
});

test("an adapter in another process is refused, and told why", async (t) => {
  const file = join(await temporaryFolder(t), "shared.db");
  const { child } = await startCommitter(file);
  t.after(() => child.kill("SIGKILL"));
  const second = createStorage(file);
  await assert.rejects(second.open(), (error: unknown) => {
    assert.ok(error instanceof StorageError);
    assert.equal(error.code, "misconfigured");
    assert.ok(error.message.includes(file), error.message);
    return true;
  });
  await second.close();
});

async function commitUntilKilled(file: string, afterMs: number, valueBytes: number): Promise<bigint> {
  const { child, lines } = await startCommitter(file, valueBytes);
  await delay(afterMs);
  child.kill("SIGKILL");
  await once(child, "close");
  return BigInt(lines().at(-1) ?? 0);
}

/** Resolves once the program has opened the file; `lines` are the sequences it has printed whole. */
async function startCommitter(
  file: string,
  valueBytes = 0,
): Promise<{ child: ChildProcessByStdio<null, Readable, null>; lines(): string[] }> {
  const child = spawn(process.execPath, [PROGRAM, file, `${valueBytes}`], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    output += text;
  });
  while (!output.includes("open\n")) await Promise.race([once(child.stdout, "data"), ended(child)]);
  return { child, lines: () => output.split("\n").slice(1, -1) };
}

async function ended(child: ChildProcessByStdio<null, Readable, null>): Promise<never> {
  await once(child, "close");
  throw new Error(`the program ended with ${child.exitCode}`);
}
