import { ALARM } from "../alarms/alarm-entry.js";
import type { Alarms } from "../alarms/alarms.js";
import type { PlainRoute } from "../listener/plain.js";
import type { Metrics } from "../metrics/metrics.js";
import { plainText } from "./text.js";

const REASONS: Record<number, string | undefined> = {
  [ALARM.noSpace]: "ALARM NOSPACE",
  [ALARM.corrupt]: "ALARM CORRUPT",
};
const NAMES: Record<number, string | undefined> = { [ALARM.noSpace]: "NOSPACE", [ALARM.corrupt]: "CORRUPT" };

/** A read of the key space, to see whether it can be read. */
export type Probe = (serializable: boolean) => Promise<void>;

/** `/health`: an alarm, or a read that fails, makes it bad. */
export function healthRoute(alarms: Alarms, probe: Probe, metrics: Metrics): PlainRoute {
  return {
    path: "/health",
    async handle({ query }) {
      const excluded = new Set(query.getAll("exclude"));
      const serializable = query.get("serializable") === "true";
      const reason = alarmReason(alarms, excluded) ?? (await readReason(probe, serializable));
      metrics.healthAnswered(reason === undefined);
      const body = JSON.stringify({ health: String(reason === undefined), reason: reason ?? "" });
      if (reason !== undefined) return plainText(503, `${body}\n`);
      return { status: 200, headers: { "Content-Type": "text/plain; charset=utf-8" }, body };
    },
  };
}

function alarmReason(alarms: Alarms, excluded: ReadonlySet<string>): string | undefined {
  const alarm = alarms.known.find(({ type }) => !excluded.has(NAMES[type] ?? String(type)));
  return alarm && (REASONS[alarm.type] ?? "ALARM UNKNOWN");
}

async function readReason(probe: Probe, serializable: boolean): Promise<string | undefined> {
  try {
    await probe(serializable);
    return undefined;
  } catch (error) {
    return `RANGE ERROR:${error instanceof Error ? error.message : String(error)}`;
  }
}
