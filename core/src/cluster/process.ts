import { randomBytes } from "node:crypto";
import { hostname } from "node:os";
import type { Process } from "./member-entry.js";

/** Members that run in this very process, which a process id cannot tell apart. */
const running = new Set<string>();

export function startRun(): Process {
  const run = randomBytes(8).toString("hex");
  running.add(run);
  return { host: hostname(), pid: process.pid, run };
}

export function endRun({ run }: Process): void {
  running.delete(run);
}

/** Whether a member of this host may still run; one that crashed and left its entry behind does not. */
export function mayRun({ pid, run }: Process): boolean {
  if (pid === process.pid) return running.has(run);
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
