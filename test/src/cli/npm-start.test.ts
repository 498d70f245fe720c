import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { freePort, waitUntil } from "../servers/index.js";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));

test("who ends npm start ends the adapter", async () => {
  const url = `http://127.0.0.1:${await freePort()}`;
  const args = ["start", "--", "--storage=memory:", `--listen-client-urls=${url}`];
  const npm = spawn("npm", args, { cwd: ROOT, stdio: "ignore", detached: true });
  const isServing = async () => {
    const answer = await fetch(`${url}/health`, { signal: AbortSignal.timeout(1_000) }).catch(
      () => undefined,
    );
    return answer?.status === 200;
  };
  const becomes = (serving: boolean, timeoutMs: number) =>
    waitUntil(async () => assert.equal(await isServing(), serving), { timeoutMs });
  try {
    await becomes(true, 60_000);
    npm.kill("SIGTERM");
    await becomes(false, 15_000);
  } finally {
    killGroup(npm.pid!);
  }
});

/** With the adapter, if it is left. */
function killGroup(pid: number): void {
  try {
    process.kill(-pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
