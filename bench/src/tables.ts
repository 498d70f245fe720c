import { spreadOf } from "./figures.js";
import { markdownTable, shortNumber, shortRatio, shortSpread } from "./format.js";
import { type GrowthResult, growthScenarios } from "./growth.js";
import type { CohortResult } from "./measure.js";
import { figureOf, ratioOf, samplesOf } from "./ratios.js";
import { type Figure, type Scenario, scenarios } from "./scenarios.js";

const nothing = "–";

function measuredIn(cohort: CohortResult): Scenario[] {
  const names = new Set(cohort.samples.map(({ scenario }) => scenario));
  return scenarios.filter(({ name }) => names.has(name));
}

const titleOf = (scenario: Scenario, { title, unit }: Figure): string =>
  [scenario.title, ...(title ? [title] : []), ...(unit === " ms" ? ["less is better"] : [])].join(", ");

/** etcd's figures, and each other subject's ratio to etcd with its own figure. */
export function ratioTable(cohort: CohortResult): string {
  const others = cohort.subjects.filter((name) => name !== "etcd");
  const rows = measuredIn(cohort).flatMap((scenario) =>
    scenario.figures.map((figure) => {
      const cells = others.map((subject) => {
        const own = figureOf(cohort, scenario.name, figure.key, subject);
        const ratio = ratioOf(cohort, scenario.name, figure.key, subject, "etcd");
        if (own === undefined) return nothing;
        const value = `${shortNumber(own.median)}${figure.unit}`;
        return ratio === undefined ? value : `${shortRatio(ratio)}, ${value}`;
      });
      const etcd = figureOf(cohort, scenario.name, figure.key, "etcd");
      return [titleOf(scenario, figure), etcd ? shortSpread(etcd, figure.unit) : nothing, ...cells];
    }),
  );
  return markdownTable(["", "etcd", ...others], rows);
}

/** CPU seconds of the middle round, and of the subject's also the microseconds for an answer or event. */
export function cpuTable(cohort: CohortResult): string {
  const rows = measuredIn(cohort).map((scenario) => [
    scenario.title,
    ...cohort.subjects.map((subject) => {
      const samples = samplesOf(cohort, scenario.name, subject);
      const middle = (of: (sample: (typeof samples)[number]) => number) =>
        spreadOf(samples.map(of))?.median ?? 0;
      if (samples.length === 0) return nothing;
      const each = middle(({ cpu, figures }) => (cpu.subject * 1e6) / (figures.all ?? 1));
      const server = middle(({ cpu }) => cpu.server);
      const parts = [
        `${middle(({ cpu }) => cpu.subject).toFixed(2)} (${shortNumber(each)} µs)`,
        ...(server > 0 ? [server.toFixed(2)] : []),
        middle(({ cpu }) => cpu.load).toFixed(2),
      ];
      return parts.join(" + ");
    }),
  ]);
  return markdownTable(["", ...cohort.subjects], rows);
}

/** The adapter over kine on the same storage, with the same transactions. */
export function kineTable(cohorts: readonly CohortResult[]): string | undefined {
  const both = scenarios.filter(({ kine }) => kine);
  const rows = cohorts.flatMap((cohort) =>
    cohort.subjects.flatMap((name) => {
      const [kine, storage] = name.split(" ");
      if (kine !== "kine" || storage === undefined) return [];
      const cells = both.map((scenario) => {
        const ratio = ratioOf(cohort, scenario.name, "perSecond", `${storage} own`, name);
        return ratio ? shortRatio(ratio) : nothing;
      });
      return [[storage, ...cells]];
    }),
  );
  return rows.length === 0 ? undefined : markdownTable(["", ...both.map(({ title }) => title)], rows);
}

export function growthTable({ points, restarts }: GrowthResult): string {
  const rows = points.map(({ subject, keys, rates, residentMegabytes }) => {
    const restart = restarts.find((candidate) => candidate.subject === subject && candidate.keys === keys);
    return [
      keys.toLocaleString("en-US"),
      subject,
      ...growthScenarios.map(({ name }) => (rates[name] ? `${shortNumber(rates[name])}/s` : nothing)),
      `${Math.round(residentMegabytes)} MB`,
      restart ? `${restart.seconds.toFixed(1)} s, ${Math.round(restart.residentMegabytes)} MB` : "",
    ];
  });
  const head = ["keys", "", ...growthScenarios.map(({ title }) => title), "resident", "start, then resident"];
  return markdownTable(head, rows);
}
