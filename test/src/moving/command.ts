import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

const MAIN = fileURLToPath(new URL("../../../core/dist/cli/main.js", import.meta.url));

export interface Ended {
  /** null when it was killed. */
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

export interface CommandOptions {
  /** Killed with SIGKILL so long after stderr has matched `at`. */
  readonly kill?: { readonly at: RegExp; readonly afterMs: number };
}

/** Runs one of the program's commands, as users do. */
export function command(args: readonly string[], { kill }: CommandOptions = {}): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [MAIN, ...args], { stdio: ["ignore", "pipe", "pipe"] });
    let out = "";
    let err = "";
    let timer: NodeJS.Timeout | undefined;
    child.stdout.on("data", (chunk: Buffer) => {
      out += chunk.toString();
    });
    child.stderr.on("data", (chunk: Buffer) => {
      err += chunk.toString();
      if (kill && !timer && kill.at.test(err)) timer = setTimeout(() => child.kill("SIGKILL"), kill.afterMs);
    });
    child.on("error", reject);
    child.on("close", (code) => {
      clearTimeout(timer);
      resolve({ code, out, err });
    });
  });
}

/** What it printed, when it must succeed. */
export async function commandOutput(args: readonly string[]): Promise<string> {
  const { code, out, err } = await command(args);
  if (code !== 0) throw new Error(`etcd-adapter ${args.join(" ")} ended with ${code}:\n${err}`);
  return out;
}
