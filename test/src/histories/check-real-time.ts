import type { Log } from "./check-watches.js";
import type { Operation } from "./history.js";
import { changed, show } from "./model.js";

interface Instant {
  readonly at: number;
  /** A place that is known to be reached. */
  readonly reached?: bigint;
  /** What is called, and the place that it has in the order. */
  readonly called?: { readonly operation: Operation; readonly place: bigint };
}

/** Whatever was called after something had returned, or had been seen, does not come before it in the order. */
export function checkRealTime(
  operations: readonly Operation[],
  made: ReadonlyMap<Operation, bigint>,
  log: Log,
): string[] {
  const instants: Instant[] = [...log].map(([revision, { seenAt }]) => ({
    at: seenAt,
    reached: write(revision),
  }));
  for (const operation of operations) {
    const place = placeOf(operation, made);
    if (place === undefined) continue;
    if (operation.outcome.type === "ok") instants.push({ at: operation.return, reached: place });
    // A serializable read may be late, but not early: it is held to nothing itself, and others are held to it.
    if (!operation.request.serializable) instants.push({ at: operation.call, called: { operation, place } });
  }
  // At the same instant nothing has returned before what is called.
  instants.sort((a, b) => a.at - b.at || (a.called ? 0 : 1) - (b.called ? 0 : 1));
  const problems: string[] = [];
  let reached = 0n;
  for (const instant of instants) {
    if (instant.reached !== undefined && instant.reached > reached) reached = instant.reached;
    if (instant.called && instant.called.place < reached)
      problems.push(
        `revision ${reached / 2n} was reached before this was called: ${show(instant.called.operation)}`,
      );
  }
  return problems.concat(checkEachAdapter(operations));
}

/** What one adapter answers never goes back, serializable reads included. */
function checkEachAdapter(operations: readonly Operation[]): string[] {
  const problems: string[] = [];
  for (const incarnation of new Set(operations.map((operation) => operation.incarnation))) {
    const own = operations.filter((operation) => operation.incarnation === incarnation);
    const returns = own.filter(({ outcome }) => outcome.type === "ok").sort((a, b) => a.return - b.return);
    const calls = [...returns].sort((a, b) => a.call - b.call);
    let reached = 0n;
    let index = 0;
    for (const operation of calls) {
      for (; index < returns.length && returns[index]!.return < operation.call; index++) {
        const revision = revisionOf(returns[index]!);
        if (revision > reached) reached = revision;
      }
      if (revisionOf(operation) < reached)
        problems.push(`the same adapter had answered at revision ${reached} before: ${show(operation)}`);
    }
  }
  return problems;
}

function placeOf(operation: Operation, made: ReadonlyMap<Operation, bigint>): bigint | undefined {
  const revision = made.get(operation);
  if (revision !== undefined) return write(revision);
  if (operation.outcome.type !== "ok" || changed(operation.outcome.response)) return undefined;
  return operation.outcome.response.revision * 2n + 1n;
}

function write(revision: bigint): bigint {
  return revision * 2n;
}

function revisionOf({ outcome }: Operation): bigint {
  return outcome.type === "ok" ? outcome.response.revision : 0n;
}
