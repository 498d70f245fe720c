import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";

/** Starts serve.mjs as a process, whose CPU time and memory can be asked for. */
export async function startServer(kind) {
  const program = new URL("serve.mjs", import.meta.url).pathname;
  const child = spawn(process.execPath, [program, kind], { stdio: ["ignore", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async () => JSON.parse((await lines.next()).value);
  const { port } = await next();
  return {
    port,
    usage: async () => {
      child.kill("SIGUSR2");
      return await next();
    },
    stop: async () => {
      child.kill("SIGTERM");
      await once(child, "exit");
    },
  };
}

/** Starts the whole adapter on memory storage; its CPU time and memory are Linux's to tell. */
export async function startAdapter(transport, attempts = 3) {
  const program = new URL("../../dist/cli/main.js", import.meta.url).pathname;
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const args = [`--listen-client-urls=${url}`, "--storage=memory:", "--log-level=warn"];
  const child = spawn(process.execPath, [program, ...args, `--grpc-transport=${transport}`], {
    stdio: ["ignore", "inherit", "inherit"],
  });
  while (child.exitCode === null) {
    const isReady = await fetch(`${url}/health`).then(
      ({ ok }) => ok,
      () => false,
    );
    if (isReady) break;
    await sleep(100);
  }
  // another process may have had the port in between
  if (child.exitCode !== null) {
    if (attempts > 1) return await startAdapter(transport, attempts - 1);
    throw new Error("the adapter did not start");
  }
  return {
    port,
    usage: async () => usageOf(child.pid),
    stop: async () => {
      child.kill("SIGTERM");
      await once(child, "exit");
    },
  };
}

async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  return port;
}

const US_PER_TICK = 10_000;

function usageOf(pid) {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  // behind the name, which may hold anything
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const rssKib = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))[1];
  return { cpuUs: (Number(fields[11]) + Number(fields[12])) * US_PER_TICK, rss: Number(rssKib) * 1024 };
}
