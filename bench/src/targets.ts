import type { Spread } from "./figures.js";
import { markdownTable, shortRatio } from "./format.js";
import type { GrowthResult } from "./growth.js";
import type { CohortResult } from "./measure.js";
import { ratioOf } from "./ratios.js";
import { type Figure, scenarios } from "./scenarios.js";

/** What the adapter is to reach: a ratio of its figure to that of etcd, or of kine on the same storage. */
interface Target {
  readonly storage: string;
  readonly scenario: string;
  readonly figure?: string;
  readonly against: "etcd" | "kine";
  readonly least?: number;
  readonly most?: number;
}

const millionKeys = 1_000_000;
const residentLimitMegabytes = 256;
const queryStorages: readonly string[] = ["sqlite", "postgres"];

const etcdAtLeast = (storage: string, least: number, names: readonly string[], figure?: string): Target[] =>
  names.map((scenario) => ({ storage, scenario, against: "etcd", least, ...(figure && { figure }) }));

const targets: readonly Target[] = [
  ...etcdAtLeast("sqlite", 1, ["put-1", "put-64", "get", "list"]),
  ...etcdAtLeast("sqlite", 1, ["watch-1000", "watch-10000"], "eventsPerSecond"),
  { storage: "sqlite", scenario: "watch-1000", figure: "p99Ms", against: "etcd", most: 1 },
  { storage: "sqlite", scenario: "watch-10000", figure: "p99Ms", against: "etcd", most: 1 },
  ...etcdAtLeast("memory", 1.3, ["put-64"]),
  ...etcdAtLeast("sqlite", 1.5, ["gateway-put", "gateway-get"]),
  ...["postgres", "mariadb", "sqlite", "tidb"].flatMap((storage) =>
    ["swap", "list"].map((scenario): Target => ({ storage, scenario, against: "kine", least: 5 })),
  ),
];

function ratioFor(target: Target, cohorts: readonly CohortResult[]): Spread | undefined {
  const own = `${target.storage} own`;
  const cohort = cohorts.find(({ subjects }) => subjects.includes(own));
  if (cohort === undefined) return undefined;
  const reference = target.against === "etcd" ? "etcd" : `kine ${target.storage}`;
  return ratioOf(cohort, target.scenario, target.figure ?? "perSecond", own, reference);
}

const mark = (reached: boolean): string => (reached ? "✓" : "✗");

/** Each target that was measured, by its median, and whether it is reached. */
export function targetTable(
  cohorts: readonly CohortResult[],
  growth: GrowthResult | undefined,
): string | undefined {
  const rows = targets.flatMap((target) => {
    const ratio = ratioFor(target, cohorts);
    if (ratio === undefined) return [];
    const { title } = scenarios.find(({ name }) => name === target.scenario)!;
    const reached =
      ratio.median >= (target.least ?? Number.NEGATIVE_INFINITY) &&
      ratio.median <= (target.most ?? Number.POSITIVE_INFINITY);
    const bound = target.most === undefined ? `≥ ${target.least} ×` : `≤ ${target.most} ×`;
    const what = [target.storage, title, ...figureTitle(target)].join(", ");
    return [[what, `${bound} ${target.against}`, shortRatio(ratio), mark(reached)]];
  });
  const memory = (growth?.points ?? []).flatMap(({ subject, keys, residentMegabytes }) => {
    const storage = subject.split(" ")[0]!;
    if (keys !== millionKeys || !queryStorages.includes(storage)) return [];
    const reached = residentMegabytes <= residentLimitMegabytes;
    const measured = `${Math.round(residentMegabytes)} MB`;
    return [
      [`${storage}, resident at 1,000,000 keys`, `≤ ${residentLimitMegabytes} MB`, measured, mark(reached)],
    ];
  });
  const judged = [...rows, ...memory];
  return judged.length === 0 ? undefined : markdownTable(["", "target", "measured", ""], judged);
}

function figureTitle({ scenario, figure }: Target): string[] {
  const figures: readonly Figure[] = scenarios.find(({ name }) => name === scenario)!.figures;
  return figures.flatMap(({ key, title }) => (key === figure && title ? [title] : []));
}
