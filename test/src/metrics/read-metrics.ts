/** What a server's /metrics says. */
export interface Samples {
  /** By the metric's name. */
  readonly types: ReadonlyMap<string, string>;
  /** By the name with its labels in their order of names. */
  readonly series: ReadonlyMap<string, number>;
  /** Of the one series without labels. */
  value(name: string): number | undefined;
  /** The names of labels of a metric's series. */
  labelsOf(name: string): readonly string[];
}

export async function readMetrics(url: string): Promise<Samples> {
  const answer = await fetch(`${url}/metrics`);
  const text = await answer.text();
  if (!answer.ok) throw new Error(text);
  const types = new Map([...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map((match) => [match[1]!, match[2]!]));
  const lines = [...text.matchAll(/^([a-z_]+)(?:\{(.*)\})? (\S+)$/gim)];
  const series = new Map(
    lines.map(([, name, labels, value]) => {
      const pairs = [...(labels ?? "").matchAll(/(\w+)="((?:\\.|[^"\\])*)"/g)].map(([pair]) => pair).sort();
      return [pairs.length === 0 ? name! : `${name}{${pairs.join(",")}}`, Number(value)];
    }),
  );
  return {
    types,
    series,
    value: (name) => series.get(name),
    labelsOf: (name) => {
      const one = [...series.keys()].find((each) => each.startsWith(`${name}{`));
      return [...(one ?? "").matchAll(/(\w+)=/g)].map((match) => match[1]!);
    },
  };
}
