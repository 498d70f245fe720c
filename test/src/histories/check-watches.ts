import { isDeepStrictEqual } from "node:util";
import { type Change, covers, endOf, type WatchSegment } from "./history.js";
import { type Model, sameChanges, show } from "./model.js";

export interface Logged {
  readonly changes: readonly Change[];
  /** When anybody first saw it: it was committed before. */
  readonly seenAt: number;
}

/** Revisions in order, from 2 on. */
export type Log = ReadonlyMap<bigint, Logged>;

/** The union of what the watchers of the whole key space saw. */
export function logOf(segments: readonly WatchSegment[], problems: string[]): Log {
  const found = new Map<bigint, Logged>();
  for (const { deliveries } of segments.filter(({ prefix, filter }) => prefix === "" && !filter)) {
    for (const { revision, changes, at } of deliveries) {
      const known = found.get(revision);
      if (!known || at < known.seenAt)
        found.set(revision, { changes: known?.changes ?? changes, seenAt: at });
    }
  }
  const sorted = [...found.keys()].sort((a, b) => (a < b ? -1 : 1));
  let next = 2n;
  for (const revision of sorted) {
    if (revision !== next) problems.push(`no watcher saw revisions ${next} to ${revision - 1n}`);
    next = revision + 1n;
  }
  return new Map(sorted.map((revision) => [revision, found.get(revision)!]));
}

/** Each segment holds, from its start to its last delivery, its part of the log: whole, once, in order. */
export function checkWatches(
  segments: readonly WatchSegment[],
  log: Log,
  model: Model,
  compacted: bigint,
): string[] {
  return segments.flatMap((segment) => {
    const problems = [...checkOrder(segment, log)];
    if (segment.withPrevious) problems.push(...checkPrevious(segment, model, compacted));
    return problems.map((text) => `watcher ${segment.watcher} on ${segment.incarnation}: ${text}`);
  });
}

/** etcd's promises to a watcher, each by its name. */
function* checkOrder(segment: WatchSegment, log: Log): Iterable<string> {
  const { from, deliveries, progress } = segment;
  const ofMine = (revision: bigint) => log.get(revision)?.changes.filter((one) => wants(segment, one)) ?? [];
  const seen = new Set<bigint>();
  let next = from;
  function* nothingBefore(revision: bigint, told: string): Iterable<string> {
    for (; next < revision; next++)
      if (ofMine(next).length > 0) yield `${told}: did not see revision ${next}, having started at ${from}`;
  }
  let notices = 0;
  for (let index = 0; index <= deliveries.length; index++) {
    for (; notices < progress.length && progress[notices]!.after === index; notices++) {
      const { revision } = progress[notices]!;
      yield* nothingBefore(revision + 1n, `not bookmarkable, progress ${revision} ran ahead`);
    }
    const delivery = deliveries[index];
    if (!delivery) break;
    const { revision } = delivery;
    if (seen.has(revision)) yield `not unique: saw revision ${revision} again`;
    else if (revision < next) yield `not ordered: saw revision ${revision} after ${next - 1n}`;
    seen.add(revision);
    yield* nothingBefore(revision, "not reliable");
    const mine = ofMine(revision);
    if (!sameChanges(mine, delivery.changes))
      yield `not atomic: saw ${show(delivery.changes)} as revision ${revision}, which is ${show(mine)}`;
    if (revision >= next) next = revision + 1n;
  }
}

function wants({ prefix, filter }: WatchSegment, { kv, deleted }: Change): boolean {
  return covers(prefix, endOf(prefix), kv.key) && filter !== (deleted ? "deletions" : "puts");
}

function* checkPrevious(segment: WatchSegment, model: Model, compacted: bigint): Iterable<string> {
  for (const { kv, previous } of segment.deliveries.flatMap(({ changes }) => changes)) {
    const before = model.get(kv.key, kv.mod - 1n);
    // It may be missing only if it is compacted.
    if (!previous && kv.mod - 1n < compacted) continue;
    if (!isDeepStrictEqual(previous, before))
      yield `saw ${show(previous)} before ${show(kv)}, not ${show(before)}`;
  }
}

/** Whether the watchers that never left a revision out have seen everything in the end. */
export function checkComplete(segments: readonly WatchSegment[], log: Log): string[] {
  const problems: string[] = [];
  for (const name of new Set(segments.filter(({ gapless }) => gapless).map(({ watcher }) => watcher))) {
    const own = segments.filter(({ watcher }) => watcher === name);
    const seen = new Set(own.flatMap(({ deliveries }) => deliveries.map(({ revision }) => revision)));
    for (const [revision, { changes }] of log)
      if (!seen.has(revision) && changes.some((change) => wants(own[0]!, change)))
        problems.push(`watcher ${name}: not resumable, never saw revision ${revision}`);
  }
  return problems;
}
