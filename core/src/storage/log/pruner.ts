import type { History } from "./history.js";
import type { Keyspace } from "./keyspace.js";
import type { Version } from "./version.js";

/** Versions looked at for each one that a call may remove: bounds a call where there is little to remove. */
const VISITS_PER_ROW = 8;

/**
 * Removes what compaction made unreachable. It looks at each compacted change once: whatever its key had before
 * is replaced by it, and it is itself unreachable if it is a deletion below the compacted revision. Of all
 * others only the deletions *at* that revision must be seen again, once it has moved on.
 */
export class Pruner {
  readonly #history: History;
  readonly #keyspace: Keyspace;
  /** The next revision to look at. */
  #next = 0;
  /** The compacted revision up to which all is done. */
  #done = -1;

  constructor(history: History, keyspace: Keyspace) {
    this.#history = history;
    this.#keyspace = keyspace;
  }

  /** Answers whether there is more to do. */
  prune(compacted: number, limit: number): boolean {
    if (this.#done === compacted) return false;
    let removed = 0;
    for (let visits = limit * VISITS_PER_ROW; visits > 0 && removed < limit; ) {
      const batch = this.#history.slice(this.#next, compacted, Math.max(1, limit - removed));
      for (const version of batch) removed += this.#pruneAt(version, compacted);
      const last = batch.at(-1);
      if (last === undefined || last.revision === compacted) {
        this.#next = compacted;
        this.#done = compacted;
        return false;
      }
      this.#next = last.revision + 1;
      visits -= batch.length;
    }
    return true;
  }

  #pruneAt(version: Version, compacted: number): number {
    if (version.pruned) return 0;
    let removed = 0;
    for (let older = version.older; older !== undefined && !older.pruned; ) {
      const next: Version | undefined = older.older;
      this.#history.prune(older);
      removed++;
      older = next;
    }
    version.older = undefined;
    if (version.lease === null && version.revision < compacted) {
      this.#keyspace.forget(version);
      this.#history.prune(version);
      removed++;
    }
    return removed;
  }
}
