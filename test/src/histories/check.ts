import { checkLeases } from "./check-leases.js";
import { checkOperations } from "./check-operations.js";
import { checkRealTime } from "./check-real-time.js";
import { checkComplete, checkWatches, type Log, logOf } from "./check-watches.js";
import type { History } from "./history.js";
import { Model } from "./model.js";

export interface Verdict {
  readonly problems: string[];
  readonly log: Log;
  readonly model: Model;
  /** Operations whose outcome their client never learned, but that were made. */
  readonly recovered: number;
}

/**
 * Whether a history could have happened on an etcd. It is linearizable because one order explains it all:
 *
 * 1. The watchers' union is a log without gaps, and every watcher saw of it exactly its part (`checkWatches`).
 * 2. Each revision of the log is what exactly one operation or the end of one lease makes of the state before
 *    it; no operation makes two; each answer is what the state at its revision gives (`checkOperations`).
 * 3. Order operations by revision, a write before the reads at its revision. If one returned before another was
 *    called, it does not come later in that order (`checkRealTime`).
 *
 * By 2 the order is legal for the sequential model, by 3 it keeps real time, where ties are reads of one state
 * and may be put in the order of their calls: that is linearizability. No search is needed, since every
 * answer names its place.
 */
export function check(history: History): Verdict {
  const problems: string[] = [];
  const log = logOf(history.segments, problems);
  const model = new Model();
  for (const [revision, { changes }] of log) problems.push(...model.append(revision, changes));
  const compacted = history.compactions.reduce((a, b) => (a > b ? a : b), -1n);
  problems.push(...checkWatches(history.segments, log, model, compacted));
  problems.push(...checkComplete(history.segments, log));
  const { made, ends } = checkOperations(history, model, log, problems);
  problems.push(...checkRealTime(history.operations, made, log));
  problems.push(...checkLeases(history, ends, log));
  const recovered = [...made.keys()].filter(({ outcome }) => outcome.type === "unknown").length;
  return { problems, log, model, recovered };
}
