import type { LogPosition, PruneState, SqlDriver } from "./driver.js";

/** So many newest commits keep their ids, and registry removals stay visible as such. */
export const KEPT_SEQUENCES = 10_000n;

const LAST_SUB = 2 ** 31 - 1;

/**
 * What compaction made unreachable is found from what made it so: a row at or below the compacted revision
 * names the version that it replaced. So a prune walks each row of the log once, in order, and never searches.
 * The walk ends before the compacted revision's first row, because deletions at that very revision stay until the next
 * compaction, which begins with them.
 */
export async function pruneBatch(driver: SqlDriver, limit: number): Promise<boolean> {
  const rows = Math.max(1, limit);
  const state = await driver.pruneState();
  const { head, pruned } = state;
  const oldest = head.sequence - KEPT_SEQUENCES;
  const floor = smaller(oldest, state.floor + BigInt(rows));
  const sequences = { after: state.floor, through: floor > state.floor ? floor : state.floor };
  const moreSequences = sequences.through < oldest;

  if (isWalked(state)) {
    if (sequences.through > state.floor) await driver.prune({ window: undefined, pruned, sequences });
    return moreSequences;
  }
  const { compacted } = head;
  const end = await driver.positionAt(pruned, compacted, rows);
  const through = end ?? { revision: compacted, sub: LAST_SUB };
  await driver.prune({
    window: { after: pruned, through, compacted },
    pruned: end ?? walkedTo(compacted),
    sequences,
  });
  return end !== undefined || moreSequences;
}

function walkedTo(compacted: bigint): LogPosition {
  return { revision: compacted, sub: -1 };
}

function isWalked({ head, pruned }: PruneState): boolean {
  const done = walkedTo(head.compacted);
  return head.compacted <= 0n || (pruned.revision === done.revision && pruned.sub === done.sub);
}

function smaller(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}
