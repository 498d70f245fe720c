import { parseArgs } from "node:util";

export interface BenchOptions {
  /** Parts of names of scenarios, and names of storages; none: everything. */
  readonly filters: readonly string[];
  readonly rounds: number;
  /** Measured seconds of each run of a scenario. */
  readonly seconds: number;
  /** Keys that are there when ranges are measured. */
  readonly keys: number;
  /** Numbers of keys at which growth is measured, ascending. */
  readonly sizes: readonly number[];
  /** A file for the report: between its markers, or all of it. */
  readonly out: string | undefined;
  /** A file for all samples, as JSON. */
  readonly json: string | undefined;
  readonly cpuProf: boolean;
}

export const USAGE = `npm run bench [-- FILTER … OPTIONS]

Starts etcd, kine and the adapter on each storage, drives them with the same load in turns, and prints ratios.
A FILTER is a part of a scenario's name (put, gateway, growth) or a storage (sqlite, postgres); without, all run.

  --rounds N      rounds in turns, of which medians are taken (3)
  --seconds S     measured seconds of each run (1)
  --keys N        keys that are there when ranges are measured, a multiple of 1000 (100000)
  --quick         one round of half a second, 10,000 keys, growth to 100,000
  --out FILE      writes the report into FILE: between its markers if it has them; the plot beside it
  --json FILE     writes every sample into FILE
  --cpu-prof      profiles the adapter, and prints its ten most expensive functions
  --list          prints the names of all scenarios and storages`;

const FULL = { rounds: 3, seconds: 1, keys: 100_000, sizes: [1_000, 10_000, 100_000, 1_000_000] };
const QUICK = { rounds: 1, seconds: 0.5, keys: 10_000, sizes: [1_000, 10_000, 100_000] };

export function parseOptions(args: readonly string[]): BenchOptions & { readonly show?: "help" | "list" } {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      rounds: { type: "string" },
      seconds: { type: "string" },
      keys: { type: "string" },
      quick: { type: "boolean", default: false },
      out: { type: "string" },
      json: { type: "string" },
      "cpu-prof": { type: "boolean", default: false },
      list: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  const defaults = values.quick ? QUICK : FULL;
  const keys = numberOf("keys", values.keys, defaults.keys);
  if (keys % 1_000 !== 0) throw new Error("--keys: a multiple of 1000 is needed");
  return {
    filters: positionals,
    rounds: numberOf("rounds", values.rounds, defaults.rounds),
    seconds: numberOf("seconds", values.seconds, defaults.seconds),
    keys,
    sizes: defaults.sizes,
    out: values.out,
    json: values.json,
    cpuProf: values["cpu-prof"],
    ...(values.help ? { show: "help" } : values.list ? { show: "list" } : {}),
  };
}

function numberOf(name: string, text: string | undefined, otherwise: number): number {
  const value = text === undefined ? otherwise : Number(text);
  if (!(value > 0)) throw new Error(`--${name}: a number above 0 is needed`);
  return value;
}
