import { spawn } from "node:child_process";
import { built } from "../servers/index.js";

export interface Run {
  readonly code: number;
  readonly stdout: Buffer;
  readonly stderr: Buffer;
  /** All that it wrote, in the order in which it came. */
  readonly output: string;
}

export interface RunOptions {
  /** For its standard input; `untilEnded` leaves that open. */
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Fails if it has not ended by itself by then. */
  readonly timeoutMs?: number;
}

/** The real etcdctl, whose way to fail is part of the result. */
export function etcdctl(url: string, args: readonly string[], options: RunOptions = {}): Promise<Run> {
  return start([`--endpoints=${url}`, ...args], options, true).run;
}

/** The same, without `--endpoints`. */
export function bareEtcdctl(args: readonly string[], options: RunOptions = {}): Promise<Run> {
  return start(args, options, true).run;
}

/** Its output, when it must succeed. */
export async function etcdctlLine(url: string, args: readonly string[]): Promise<string> {
  const { code, output } = await etcdctl(url, args);
  if (code !== 0) throw new Error(`etcdctl ${args.join(" ")}: ${output}`);
  return output.trim();
}

export interface Endless {
  /** What it has written so far. */
  output(): string;
  /** To its standard input. */
  write(text: string): void;
  /** Interrupts it, as Ctrl-C does. */
  end(): Promise<Run>;
}

/** A command that goes on until it is interrupted. */
export function untilEnded(url: string, args: readonly string[], options: RunOptions = {}): Endless {
  const { run, output, interrupt, write } = start([`--endpoints=${url}`, ...args], options, false);
  return {
    output,
    write,
    end: () => {
      interrupt();
      return run;
    },
  };
}

function start(args: readonly string[], options: RunOptions, closesInput: boolean) {
  const { input = "", env, timeoutMs } = options;
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  let output = "";
  let interrupt = (): void => {};
  let write = (_text: string): void => {};
  const run = built("etcd").then(({ etcdctl: program }) => {
    const child = spawn(program, args, {
      stdio: ["pipe", "pipe", "pipe"],
      env: { ...process.env, ...env },
    });
    interrupt = () => child.kill("SIGINT");
    write = (text) => child.stdin.write(text);
    for (const [stream, into] of [
      [child.stdout, stdout],
      [child.stderr, stderr],
    ] as const) {
      stream.on("data", (chunk: Buffer) => {
        into.push(chunk);
        output += chunk.toString();
      });
    }
    // A command that reads nothing may be gone before its input is written.
    child.stdin.on("error", () => {});
    child.stdin.write(input);
    if (closesInput) child.stdin.end();
    return new Promise<Run>((resolve, reject) => {
      child.on("error", reject);
      const timer =
        timeoutMs !== undefined &&
        setTimeout(() => {
          child.kill("SIGKILL");
          reject(new Error(`etcdctl ${args.join(" ")} goes on after ${timeoutMs} ms: ${output}`));
        }, timeoutMs);
      child.on("close", (code) => {
        if (timer) clearTimeout(timer);
        resolve({ code: code ?? -1, stdout: Buffer.concat(stdout), stderr: Buffer.concat(stderr), output });
      });
    });
  });
  return { run, output: () => output, interrupt: () => interrupt(), write: (text: string) => write(text) };
}
