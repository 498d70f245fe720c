import { isDeepStrictEqual } from "node:util";
import type { Change } from "./history.js";

/** So many revisions behind the newest a watcher may be and still find what others saw. */
const REVISIONS = 10_000;

/** A dozen watchers see the same changes for hours: what is equal is kept once. */
export class SharedChanges {
  private readonly byRevision = new Map<bigint, Change[]>();

  /** The equal change that was given before, if there is one, or this one. */
  share(change: Change): Change {
    const { mod } = change.kv;
    const known = this.byRevision.get(mod);
    if (!known) {
      this.byRevision.set(mod, [change]);
      if (this.byRevision.size > REVISIONS) this.forgetOldest();
      return change;
    }
    const equal = known.find((other) => isDeepStrictEqual(other, change));
    if (equal) return equal;
    known.push(change);
    return change;
  }

  private forgetOldest(): void {
    for (const revision of this.byRevision.keys()) {
      this.byRevision.delete(revision);
      return;
    }
  }
}
