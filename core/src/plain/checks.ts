import { ALARM } from "../alarms/alarm-entry.js";
import type { Alarms } from "../alarms/alarms.js";
import type { PlainResponse, PlainRoute } from "../listener/plain.js";
import type { Metrics } from "../metrics/metrics.js";
import type { Probe } from "./health.js";
import { plainText } from "./text.js";

/** Rejects when what it checks is bad. */
type Check = () => Promise<void>;

/** `/livez` and `/readyz`, and each of their checks on its own. */
export function checkRoutes(alarms: Alarms, probe: Probe, metrics: Metrics): PlainRoute[] {
  const readable: Check = () => probe(true);
  const uncorrupted: Check = async () => {
    if (alarms.known.some(({ type }) => type === ALARM.corrupt)) throw new Error("alarm activated: CORRUPT");
  };
  return [
    ...routes(metrics, "livez", { serializable_read: readable }),
    ...routes(metrics, "readyz", {
      data_corruption: uncorrupted,
      serializable_read: readable,
      linearizable_read: () => probe(false),
      // There are no learners here.
      non_learner: async () => {},
    }),
  ];
}

function routes(metrics: Metrics, type: string, checks: Record<string, Check>): PlainRoute[] {
  const all: PlainRoute = {
    path: `/${type}`,
    handle: ({ query }) => {
      const excluded = new Set(query.getAll("exclude"));
      const wanted = Object.entries(checks).filter(([name]) => !excluded.has(name));
      return run(metrics, type, wanted, query);
    },
  };
  const single = Object.entries(checks).map(
    (check): PlainRoute => ({
      path: `/${type}/${check[0]}`,
      handle: ({ query }) => run(metrics, type, [check], query),
    }),
  );
  return [all, ...single];
}

async function run(
  metrics: Metrics,
  type: string,
  checks: readonly [string, Check][],
  query: URLSearchParams,
): Promise<PlainResponse> {
  const outcomes = await Promise.all(
    checks.map(async ([name, check]) => ({ name, failure: await check().then(() => undefined, messageOf) })),
  );
  let report = "";
  for (const { name, failure } of outcomes) {
    metrics.checked(type, name, failure === undefined);
    report += failure === undefined ? `[+]${name} ok\n` : `[-]${name} failed: ${failure}\n`;
  }
  if (outcomes.some(({ failure }) => failure !== undefined)) return plainText(503, `${report}\n`);
  return plainText(200, `${query.has("verbose") ? report : ""}ok\n`);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
