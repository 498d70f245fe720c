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
  for (const afterMs of [30, 80, 150]) {
    const file = join(folder, `${afterMs}.db`);
    const acknowledged = await commitUntilKilled(file, afterMs);
    const storage = await openStorage(t, file);
    const { sequence, revision } = await storage.head();
    assert.ok(sequence >= acknowledged && sequence <= acknowledged + 1n, `${sequence} after ${acknowledged}`);
    const everything = { start: Buffer.alloc(0), end: null };
    const query = { after: 1n, through: revision, interval: everything, limit: 100_000, previous: false };
    const { revisions } = await storage.changes(query);
    assert.equal(BigInt(revisions.length), sequence, "each commit has one revision");
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

async function commitUntilKilled(file: string, afterMs: number): Promise<bigint> {
  const { child, lines } = await startCommitter(file);
  await delay(afterMs);
  child.kill("SIGKILL");
  await once(child, "close");
  return BigInt(lines().at(-1) ?? 0);
}

/** Resolves once the program has opened the file; `lines` are the sequences it has printed whole. */
async function startCommitter(
  file: string,
): Promise<{ child: ChildProcessByStdio<null, Readable, null>; lines(): string[] }> {
  const child = spawn(process.execPath, [PROGRAM, file], { stdio: ["ignore", "pipe", "inherit"] });
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
