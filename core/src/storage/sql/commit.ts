import type { Change, Revision } from "../model.js";

export interface LastChange {
  readonly revision: bigint;
  readonly change: Change;
}

/** The last change of each key, which alone is written to the state. A commit is a group, so keys may repeat. */
export function lastChanges(revisions: readonly Revision[]): LastChange[] {
  const last = new Map<string, LastChange>();
  for (const { revision, changes } of revisions) {
    for (const change of changes) last.set(change.key.toString("latin1"), { revision, change });
  }
  return [...last.values()];
}
