import { isDeepStrictEqual } from "node:util";
import type { Log, Logged } from "./check-watches.js";
import {
  type Change,
  covers,
  type History,
  type Operation,
  type Response,
  type StepResult,
} from "./history.js";
import { changed, type Model, sameChanges, show } from "./model.js";

export interface Explanation {
  /** The revision that each operation made. */
  readonly made: ReadonlyMap<Operation, bigint>;
  /** The revision at which a lease's end deleted its keys. */
  readonly ends: ReadonlyMap<bigint, bigint>;
}

/** Finds for each revision the one thing that made it, and checks every answer against the states. */
export function checkOperations(history: History, model: Model, log: Log, problems: string[]): Explanation {
  const writers = new Map<bigint, Operation>();
  for (const operation of history.operations) {
    if (operation.outcome.type !== "ok") continue;
    const { response } = operation.outcome;
    if (response.revision > model.revision)
      problems.push(
        `${show(operation)} tells of revision ${response.revision}, the last is ${model.revision}`,
      );
    else if (!changed(response)) checkAnswer(operation, response, response.revision, model, problems);
    else if (writers.has(response.revision))
      problems.push(
        `two were told that they made it: ${show(writers.get(response.revision))}, ${show(operation)}`,
      );
    else {
      writers.set(response.revision, operation);
      checkAnswer(operation, response, response.revision - 1n, model, problems);
    }
  }

  const open = new Set(history.operations.filter(({ outcome }) => outcome.type === "unknown"));
  const ends = new Map<bigint, bigint>();
  const made = new Map<Operation, bigint>();
  const seenBy = seenAtTheLatest(log);
  for (const [revision, logged] of log) {
    const told = writers.get(revision);
    const lease = told ? undefined : endedLease(model, revision, logged);
    if (lease !== undefined) {
      if (ends.has(lease)) problems.push(`lease ${lease} ended at ${ends.get(lease)} and at ${revision}`);
      ends.set(lease, revision);
      continue;
    }
    const matches = (operation: Operation) =>
      sameChanges(model.evaluate(operation.request, revision - 1n).changes, logged.changes);
    // Puts have values of their own. Of deletions alike the one that was called first may take the first
    // revision: whatever may take a later one may take this one's place, too.
    const author =
      told ??
      [...open].find(
        (candidate) =>
          candidate.call <= seenBy.get(revision)! &&
          names(candidate, logged.changes[0]!) &&
          matches(candidate),
      );
    if (!author || !matches(author)) {
      problems.push(
        `revision ${revision}, ${show(logged.changes)}, was made by ${author ? `no more than ${show(author)}` : "nobody"}`,
      );
      continue;
    }
    open.delete(author);
    made.set(author, revision);
  }
  for (const [revision, operation] of writers)
    if (!log.has(revision)) problems.push(`revision ${revision} is not in the log: ${show(operation)}`);
  return { made, ends };
}

/** Whether the request could make the change at all: cheaper to ask than what it makes of a state. */
function names({ request }: Operation, { deleted, kv }: Change): boolean {
  return [...request.success, ...request.failure].some((step) => {
    if (step.type === "put") return !deleted && step.key === kv.key && step.value === kv.value;
    return deleted && step.type === "delete" && covers(step.key, step.end, kv.key);
  });
}

function checkAnswer(
  operation: Operation,
  response: Response,
  state: bigint,
  model: Model,
  problems: string[],
): void {
  const { succeeded, results } = model.evaluate(operation.request, state);
  if (succeeded === response.succeeded && isDeepStrictEqual(results, response.results)) return;
  const [got, wanted] = [response.results.flatMap(rows), results.flatMap(rows)];
  const given = got.filter((row) => !wanted.includes(row));
  const missing = wanted.filter((row) => !got.includes(row));
  const { incarnation, request, call } = operation;
  problems.push(
    `${show(request)} on ${incarnation} at ${call.toFixed()} was answered ${response.succeeded} at ${response.revision} with ${given}; ` +
      `the state at ${state} gives ${succeeded} and ${missing}`,
  );
}

function rows(result: StepResult): string[] {
  if (result.type === "get") return result.kvs.map(show);
  return [result.previous ?? []].flat().map(show);
}

/** The lease whose keys, all of them and nothing else, the revision deletes. */
function endedLease(model: Model, revision: bigint, { changes }: Logged): bigint | undefined {
  const lease = model.get(changes[0]!.kv.key, revision - 1n)?.lease;
  if (!lease || changes.some(({ deleted }) => !deleted)) return undefined;
  const keys = model.leased(lease, revision - 1n).map(({ key }) => key);
  return isDeepStrictEqual(keys, changes.map(({ kv }) => kv.key).sort()) ? lease : undefined;
}

/** A revision was committed before any later one was seen. */
function seenAtTheLatest(log: Log): Map<bigint, number> {
  const times = new Map<bigint, number>();
  let earliest = Number.POSITIVE_INFINITY;
  for (const [revision, { seenAt }] of [...log].reverse()) {
    earliest = Math.min(earliest, seenAt);
    times.set(revision, earliest);
  }
  return times;
}
