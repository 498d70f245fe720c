import type { Trial } from "./trial.js";

/** What a soak found, as Markdown. */
export function reportOf(trials: readonly Trial[]): string {
  const lines = [
    "| storage | adapters, clients | seconds | calls answered | outcome unknown (made after all) | revisions | watch streams | faults | porcupine | violations |",
    "|---|---|---|---|---|---|---|---|---|---|",
    ...trials.map(row),
    "",
    ...trials.map(({ name, faultCounts, options }) => {
      const counts = [...faultCounts].sort(([a], [b]) => (a < b ? -1 : 1));
      return `- ${name}, seed ${options.seed}: ${counts.map(([kind, count]) => `${count} × ${kind}`).join(", ")}.`;
    }),
    "",
    "Resident memory of each adapter in its longest life, in MB:",
    "",
    "| storage | adapter | seconds | at the start and at each tenth | most |",
    "|---|---|---|---|---|",
    ...trials.flatMap(memoryRows),
  ];
  return `${lines.join("\n")}\n`;
}

function row(done: Trial): string {
  const { name, options, answered, unknown, recovered, revisions, history, faultCounts, porcupine } = done;
  const faults = [...faultCounts.values()].reduce((a, b) => a + b, 0);
  const opinion = porcupine ? `${porcupine.result}, ${porcupine.operations} calls` : "–";
  const cells = [
    ...[
      name,
      `${options.adapters}, ${options.clients}`,
      options.seconds,
      answered,
      `${unknown} (${recovered})`,
    ],
    ...[revisions, history.segments.length, faults, opinion, done.problems.length],
  ];
  return `| ${cells.join(" | ")} |`;
}

function memoryRows({ name, memory }: Trial): string[] {
  const adapters = [...new Set(memory.map(({ incarnation }) => incarnation.split(".")[0]!))].sort();
  return adapters.map((adapter) => {
    const own = memory.filter(({ incarnation }) => incarnation.startsWith(`${adapter}.`));
    const longest = own.reduce((a, b) => (b.seconds > a.seconds ? b : a));
    const { seconds, curve, most } = longest;
    return `| ${[name, adapter, seconds, curve.join(", "), most].join(" | ")} |`;
  });
}
