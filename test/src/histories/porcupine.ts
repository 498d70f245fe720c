/** A second opinion on a history: porcupine's, over a model of etcd's KV in Go (`test/servers-go/linearizability`). */
import { built } from "../servers/index.js";
import { run } from "../servers/programs.js";
import type { History, Operation, StepResult } from "./history.js";

export interface PorcupineVerdict {
  /** `Unknown`: the time was not enough. */
  readonly result: "Ok" | "Illegal" | "Unknown";
  /** Whose answers are known, and whose are not. */
  readonly operations: number;
  readonly unknown: number;
  readonly revision: number;
  readonly seconds: number;
  readonly problems: readonly string[];
}

/** It takes memory and time by the square of them. */
const MAX_CALLS = 50_000;

/** Of a longer history, its beginning is judged: `operations` says how much of it. */
export async function askPorcupine(history: History, limitSeconds = 60): Promise<PorcupineVerdict> {
  const { linearizability } = await built("linearizability");
  const input = asJson(beginning(history, MAX_CALLS));
  const answer = await run(linearizability, [String(limitSeconds)], { input });
  return JSON.parse(answer) as PorcupineVerdict;
}

/** What was known when so many calls had been made: those under way then may be done, be done later, or never. */
export function beginning(history: History, calls: number): History {
  const { operations, leases, segments } = history;
  if (operations.length <= calls) return history;
  const end = operations.map(({ call }) => call).sort((a, b) => a - b)[calls]!;
  const open = { type: "unknown", error: "not yet answered" } as const;
  return {
    ...history,
    operations: operations
      .filter(({ call }) => call < end)
      .map((operation) => (operation.return < end ? operation : { ...operation, outcome: open })),
    leases: leases.filter(({ grant }) => grant.call < end),
    segments: segments.map((segment) => ({
      ...segment,
      deliveries: segment.deliveries.filter(({ at }) => at < end),
    })),
  };
}

/** What Go reads. Serializable reads are left out: they are not linearizable. */
function asJson({ operations, segments, leases }: History): string {
  const whole = segments.filter(({ prefix, filter }) => prefix === "" && filter === undefined);
  const data = {
    operations: operations
      .filter(({ request, outcome }) => outcome.type !== "refused" && !request.serializable)
      .map(plainOperation),
    leases: leases.map(({ id, grant }) => ({ id, granted: nanoseconds(grant.call) })),
    watchers: whole.map(({ deliveries }) =>
      deliveries.map(({ revision, at, changes }) => ({ revision, at: nanoseconds(at), changes })),
    ),
  };
  return JSON.stringify(data, (_, part) => (typeof part === "bigint" ? String(part) : part));
}

function plainOperation({ client, call, return: end, request, outcome }: Operation) {
  const { compares, success, failure, at } = request;
  const steps = (list: typeof success) => list.map((step) => ({ end: "", value: "", lease: 0n, ...step }));
  return {
    client,
    call: nanoseconds(call),
    return: nanoseconds(end),
    request: { compares, success: steps(success), failure: steps(failure), at },
    answer:
      outcome.type === "ok" ? { ...outcome.response, results: outcome.response.results.map(rows) } : null,
  };
}

function rows(result: StepResult) {
  return result.type === "get" ? result.kvs : [result.previous ?? []].flat();
}

function nanoseconds(ms: number): number {
  return Math.round(ms * 1e6);
}
