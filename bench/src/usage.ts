import { readFileSync } from "node:fs";
import { residentBytes } from "@etcd-adapter/test/dist/protocol/resident.js";
import { processTree } from "@etcd-adapter/test/dist/servers/index.js";

// Linux counts in hundredths of a second on every architecture that we know of
const ticksPerSecond = 100;

/** CPU that a process and its descendants, also those that have ended, have used since they started. */
export function cpuSeconds(pid: number): number {
  let ticks = 0;
  for (const member of processTree(pid)) {
    try {
      const stat = readFileSync(`/proc/${member}/stat`, "latin1");
      // after "pid (command) ": the 12th to the 15th are utime, stime, and those of children that have ended
      const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      for (const field of fields.slice(11, 15)) ticks += Number(field);
    } catch {
      // it has just ended
    }
  }
  return ticks / ticksPerSecond;
}

/** What a process and its descendants hold in memory; pages that they share count for each. */
export function residentMegabytes(pid: number): number {
  return processTree(pid).reduce((sum, member) => sum + residentBytes(member), 0) / 1e6;
}
