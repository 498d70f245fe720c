import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { describe, it } from "node:test";
import { temporaryFolder } from "./folders.js";
import { ServerProcess } from "./process.js";
import { isAlive } from "./process-tree.js";
import { waitUntil } from "./wait.js";

const node = process.execPath;

function start(script: string, probe: () => Promise<unknown> = async () => {}): Promise<ServerProcess> {
  const folder = temporaryFolder("process");
  return ServerProcess.start({
    name: "Test",
    program: node,
    args: ["-e", script],
    folder,
    probe,
    readyTimeoutMs: 500,
  });
}

const never = () => Promise.reject(new Error("refused"));

describe("a server's process", () => {
  it("that ends at its start is an error with its last lines", async () => {
    await assert.rejects(start("console.log('no such disk'); process.exitCode = 3", never), {
      message: "Test did not start: it ended with code 3: refused\nno such disk",
    });
  });

  it("that never answers is ended", async () => {
    let pid = 0;
    const script = "console.log(process.pid); setInterval(() => {}, 1000)";
    await assert.rejects(start(script, never), (error: Error) => {
      assert.match(error.message, /^Test did not start: no answer within 0\.5 s: refused\n\d+$/);
      pid = Number(error.message.split("\n")[1]);
      return true;
    });
    assert.equal(isAlive(pid), false);
  });

  it("ends with its children", async () => {
    const server = await start(`
      const { spawn } = require("node:child_process");
      spawn(process.execPath, ["-e", "console.log(process.pid); setInterval(() => {}, 1000)"], { stdio: "inherit" });
    `);
    const child = await waitUntil(
      () => {
        const pid = Number(server.logTail());
        if (!pid) throw new Error("no child yet");
        return pid;
      },
      { timeoutMs: 5000 },
    );
    await server.kill9();
    assert.equal(isAlive(child), false);
  });

  it("removes its folder when it is disposed", async () => {
    const server = await start("setInterval(() => {}, 1000)");
    await server[Symbol.asyncDispose]();
    assert.equal(existsSync(server.folder), false);
  });

  for (const end of ["exit", "SIGKILL"] as const) {
    it(`does not outlive the process that started it (${end})`, async () => {
      const owner = spawn(
        node,
        [
          "--input-type=module",
          "-e",
          `import { ServerProcess } from ${JSON.stringify(new URL("./process.js", import.meta.url).href)};
           import { temporaryFolder } from ${JSON.stringify(new URL("./folders.js", import.meta.url).href)};
           const args = ["-e", "setInterval(() => {}, 1000)"];
           const server = await ServerProcess.start({
             name: "Test", program: process.execPath, args, folder: temporaryFolder("process"), probe: async () => {},
           });
           console.log(server.pid);
           ${end === "SIGKILL" ? "setInterval(() => {}, 1000);" : ""}`,
        ],
        // one that is killed cannot remove its folders
        { stdio: ["ignore", "pipe", "inherit"], env: { ...process.env, TMPDIR: temporaryFolder("owner") } },
      );
      const [line] = (await once(owner.stdout, "data")) as [Buffer];
      const pid = Number(line.toString());
      assert.ok(pid > 0);
      if (end === "SIGKILL") owner.kill("SIGKILL");
      await once(owner, "exit");
      await waitUntil(() => assert.equal(isAlive(pid), false), { timeoutMs: 5000 });
    });
  }
});
