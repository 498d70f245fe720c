import { readdirSync, readFileSync } from "node:fs";
import { waitUntil } from "./wait.js";

interface ProcessStatus {
  readonly parent: number;
  readonly zombie: boolean;
}

function statusOf(pid: number): ProcessStatus | undefined {
  try {
    // "pid (command) state ppid …": the command may itself hold spaces and parentheses
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    const [state, parent] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return { parent: Number(parent), zombie: state === "Z" || state === "X" };
  } catch {
    return undefined;
  }
}

/**
 * The process and all its descendants, parents first. PostgreSQL's backends each lead a process group of
 * their own, so that a signal to the postmaster's group would miss them. Without /proc: the process alone.
 */
export function processTree(root: number): number[] {
  const children = new Map<number, number[]>();
  for (const pid of allPids()) {
    const parent = statusOf(pid)?.parent;
    if (parent === undefined) continue;
    children.set(parent, [...(children.get(parent) ?? []), pid]);
  }
  const tree = [root];
  // the loop also walks what it appends
  for (const pid of tree) tree.push(...(children.get(pid) ?? []));
  return tree;
}

function allPids(): number[] {
  try {
    return readdirSync("/proc").map(Number).filter(Number.isInteger);
  } catch {
    return [];
  }
}

/** A zombie does not count: a container's first process may never reap the orphans of a killed server. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  return statusOf(pid)?.zombie !== true;
}

/** Signals each process; one that is already gone is no error. */
export function signalAll(pids: readonly number[], signal: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, signal);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
    }
  }
}

/** False if one of them is still alive after that time. */
export async function allGone(pids: readonly number[], timeoutMs: number): Promise<boolean> {
  try {
    await waitUntil(
      () => {
        const alive = pids.filter(isAlive);
        if (alive.length > 0) throw new Error(`alive: ${alive.join(", ")}`);
      },
      { timeoutMs, intervalMs: 20 },
    );
    return true;
  } catch {
    return false;
  }
}
