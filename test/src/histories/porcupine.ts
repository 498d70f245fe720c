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

export async function askPorcupine(history: History, limitSeconds = 60): Promise<PorcupineVerdict> {
  const { linearizability } = await built("linearizability");
  const input = asJson(history);
  const answer = await run(linearizability, [String(limitSeconds)], { input });
  return JSON.parse(answer) as PorcupineVerdict;
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
