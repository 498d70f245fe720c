import type { GrowthResult } from "./growth.js";
import type { CohortResult } from "./measure.js";
import type { BenchOptions } from "./options.js";
import { cpuTable, growthTable, kineTable, ratioTable } from "./tables.js";
import { targetTable } from "./targets.js";

export interface BenchResult {
  readonly machine: string;
  readonly cohorts: readonly CohortResult[];
  readonly growth: GrowthResult | undefined;
}

const cpuKey =
  "The server (and for each answer or event), the storage's server if there is one, the load generator.";

/** The whole report in Markdown; `plotFile` is the growth plot's path as the report's readers reach it. */
export function report(result: BenchResult, options: BenchOptions, plotFile: string | undefined): string {
  const { machine, cohorts, growth } = result;
  const targets = targetTable(cohorts, growth);
  const kine = kineTable(cohorts);
  const troubles = [...cohorts, ...(growth ? [growth] : [])];
  const leftOut = new Map(troubles.flatMap((part) => part.leftOut.map(({ name, reason }) => [name, reason])));
  const failures = troubles.flatMap((part) => part.failures);
  const rounds = options.rounds === 1 ? "one round" : `medians of ${options.rounds} rounds in turns`;
  return [
    `${machine}. ${rounds[0]!.toUpperCase()}${rounds.slice(1)} of ${options.seconds} s, least and most in brackets.`,
    ...(targets ? ["### Targets", targets] : []),
    ...cohorts.flatMap((cohort) => [`### ${cohort.title}`, ratioTable(cohort)]),
    ...(kine ? ["### Over kine on the same storage", kine] : []),
    ...(growth ? ["### Growth", growthTable(growth)] : []),
    ...(growth && plotFile ? [`![rates and memory by number of keys](${plotFile})`] : []),
    ...(cohorts.length > 0 ? ["### CPU seconds", cpuKey] : []),
    ...cohorts.flatMap((cohort) => [`${cohort.title}:`, cpuTable(cohort)]),
    ...[...leftOut].map(([name, reason]) => `Left out: ${name}, ${firstLine(reason)}`),
    ...failures.map(
      (failure) => `Failed: ${failure.subject}, ${failure.scenario}, ${firstLine(failure.message)}`,
    ),
  ].join("\n\n");
}

function firstLine(text: string): string {
  return text.split("\n").slice(0, 2).join(": ");
}
