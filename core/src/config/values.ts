/** How option values are written: as in etcd's flags, whether they come from a flag, the environment or YAML. */
import { z } from "zod";

const UNIT_MS: Record<string, number> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
};

/** Go's duration notation, such as 500ms, 5s or 1h30m, in milliseconds; undefined when it is none. */
export function parseDuration(text: string): number | undefined {
  if (text === "0") return 0;
  const match = /^(-?)((?:\d+(?:\.\d+)?(?:ns|us|µs|ms|s|m|h))+)$/.exec(text.trim());
  if (!match) return undefined;
  let total = 0;
  for (const [, number, unit] of match[2]!.matchAll(/(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)/g)) {
    total += Number(number) * UNIT_MS[unit!]!;
  }
  return match[1] === "-" ? -total : total;
}

export const text = z.preprocess((value) => (typeof value === "number" ? String(value) : value), z.string());

export const integer = z.preprocess(
  (value) => (typeof value === "string" && /^-?\d+$/.test(value.trim()) ? Number(value) : value),
  z.number({ error: "a whole number is needed" }).int("a whole number is needed"),
);

export const boolean = z.preprocess(
  (value) => (value === "true" || value === "" ? true : value === "false" ? false : value),
  z.boolean({ error: "true or false is needed" }),
);

/** Milliseconds. */
export const duration = z.preprocess(
  (value) => (typeof value === "string" ? (parseDuration(value) ?? value) : value),
  z.number({ error: "a duration such as 500ms, 5s or 1h is needed" }),
);

/** A comma-separated list, or a YAML list. */
export const list = z.preprocess(
  (value) =>
    typeof value === "string"
      ? value
          .split(",")
          .map((item) => item.trim())
          .filter((item) => item !== "")
      : value,
  z.array(z.string(), { error: "a list, or names separated by commas, is needed" }),
);

export const urls = list.refine((items) => items.every(isListenUrl), {
  error: "URLs such as http://127.0.0.1:2379 or unix:///run/etcd.sock, separated by commas, are needed",
});

function isListenUrl(value: string): boolean {
  if (/^unixs?:/.test(value)) return true;
  if (!/^https?:\/\//.test(value) || !URL.canParse(value)) return false;
  const { pathname, search, port } = new URL(value);
  return pathname === "/" && search === "" && (port !== "" || /:\d+\/?$/.test(value));
}

/** `--auto-compaction-retention`: a bare number is hours, or in mode `revision` so many revisions. */
export function retentionOf(mode: "periodic" | "revision", value: string): number | undefined {
  if (/^\d+$/.test(value)) return mode === "revision" ? Number(value) : Number(value) * UNIT_MS.h!;
  const durationMs = parseDuration(value);
  return durationMs === undefined || durationMs < 0 ? undefined : durationMs;
}
