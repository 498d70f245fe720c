import { cohortsOf, storages } from "./cohorts.js";
import { type GrowthResult, growthSubjects, measureGrowth } from "./growth.js";
import { buildLoad } from "./load.js";
import { machineLine } from "./machine.js";
import { type CohortResult, measureCohort } from "./measure.js";
import type { BenchOptions } from "./options.js";
import type { BenchResult } from "./report.js";
import { type Scenario, scenarios } from "./scenarios.js";

const growthName = "growth";
export const scenarioNames: readonly string[] = [...scenarios.map(({ name }) => name), growthName];

interface Choice {
  readonly scenarios: readonly Scenario[];
  readonly growth: boolean;
  readonly storages: readonly string[];
}

/** A storage's whole name chooses that storage, any other word the scenarios whose names hold it. */
export function chosen(filters: readonly string[]): Choice {
  const words = filters.filter((word) => !storages.includes(word));
  const unknown = words.find((word) => !scenarioNames.some((name) => name.includes(word)));
  if (unknown !== undefined) {
    throw new Error(
      `${unknown} is part of no scenario (${scenarioNames.join(", ")}) and no storage (${storages.join(", ")})`,
    );
  }
  const wanted = (name: string) => words.length === 0 || words.some((word) => name.includes(word));
  return {
    scenarios: scenarios.filter(({ name }) => wanted(name)),
    growth: wanted(growthName),
    storages: filters.filter((word) => storages.includes(word)),
  };
}

export interface Setting {
  readonly say: (line: string) => void;
  /** A folder for CPU profiles of the adapter. */
  readonly profiles?: string;
}

export async function bench(options: BenchOptions, { say, profiles }: Setting): Promise<BenchResult> {
  const choice = chosen(options.filters);
  const load = await buildLoad();
  const machine = machineLine();
  const { rounds, seconds, keys, sizes } = options;
  const cohorts: CohortResult[] = [];
  for (const cohort of choice.scenarios.length > 0 ? cohortsOf(choice.storages) : []) {
    const possible = choice.scenarios.filter(({ everywhere }) => everywhere || !cohort.onServer);
    if (possible.length === 0) continue;
    cohorts.push(await measureCohort(cohort, possible, load, { rounds, seconds, keys, profiles, say }));
  }
  let growth: GrowthResult | undefined;
  if (choice.growth) {
    const { storages: only } = choice;
    const subjects = growthSubjects.filter(
      ({ storage }) => only.length === 0 || storage === undefined || only.includes(storage),
    );
    growth = await measureGrowth(subjects, load, { rounds, seconds, sizes, say });
  }
  return { machine, cohorts, growth };
}
