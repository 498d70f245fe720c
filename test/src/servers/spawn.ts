import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import { asUser, throughSetpriv } from "./programs.js";

export interface ServerCommand {
  /** As people call it ("PostgreSQL"), for errors. */
  readonly name: string;
  readonly program: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** The server's own temporary folder: working folder, data and log. */
  readonly folder: string;
  readonly user?: string;
  /** Throws until the server truly answers; each call has its own time limit. */
  readonly probe: () => Promise<unknown>;
  readonly readyTimeoutMs?: number;
  /** What asks for an orderly end; SIGTERM unless told. */
  readonly stopSignal?: NodeJS.Signals;
}

/** Starts the program with its output appended to the log file; says nothing yet of whether it answers. */
export async function spawnServer(server: ServerCommand, logFile: string): Promise<ChildProcess> {
  // The kernel kills the server if this process dies without a chance to run its exit handlers.
  const command = asUser(server.user, throughSetpriv(["--pdeathsig=KILL"], server));
  const log = openSync(logFile, "a");
  try {
    // detached: Ctrl-C in a terminal reaches us, who stop the server in order, and not the server itself
    const child = spawn(command.program, [...command.args], {
      cwd: server.folder,
      env: { ...process.env, ...server.env },
      stdio: ["ignore", log, log],
      detached: true,
    });
    await once(child, "spawn");
    return child;
  } finally {
    closeSync(log);
  }
}
