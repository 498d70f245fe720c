import { type GrowthPoint, type GrowthResult, growthScenarios } from "./growth.js";
import { type Panel, plot } from "./plot.js";

/** Rates and memory over the number of keys, a panel each. */
export function growthPlot({ points }: GrowthResult): string {
  const subjects = [...new Set(points.map(({ subject }) => subject))];
  const panel = (title: string, of: (point: GrowthPoint) => number | undefined): Panel => ({
    title,
    lines: subjects.map((name) => ({
      name,
      points: points.flatMap((point) => {
        const value = of(point);
        return point.subject === name && value ? [[point.keys, value] as const] : [];
      }),
    })),
  });
  return plot("Rates and memory by number of keys", [
    ...growthScenarios.map(({ name, title }) => panel(`${title}, a second`, ({ rates }) => rates[name])),
    panel("Resident memory, MB", ({ residentMegabytes }) => residentMegabytes),
  ]);
}
