import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { freePort, waitUntil } from "../servers/index.js";

const MAIN = fileURLToPath(new URL("../../../core/dist/cli/main.js", import.meta.url));

test("an adapter whose log is on a full disk serves, and ends when it is told to", async () => {
  const url = `http://127.0.0.1:${await freePort()}`;
  const full = openSync("/dev/full", "w");
  const args = [MAIN, "--storage=memory:", `--listen-client-urls=${url}`];
  const adapter = spawn(process.execPath, args, { stdio: ["ignore", full, "pipe"] });
  closeSync(full);
  const exit = once(adapter, "exit");
  try {
    const health = async () => (await fetch(`${url}/health`, { signal: AbortSignal.timeout(1_000) })).status;
    assert.equal(await waitUntil(health, { timeoutMs: 30_000 }), 200);
    adapter.kill("SIGTERM");
    const late = setTimeout(() => adapter.kill("SIGKILL"), 15_000);
    assert.deepEqual(await exit, [0, null]);
    clearTimeout(late);
  } finally {
    adapter.kill("SIGKILL");
  }
});
