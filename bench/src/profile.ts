import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: {
      readonly functionName: string;
      readonly url: string;
      readonly lineNumber: number;
    };
  }[];
  readonly samples: readonly number[];
  /** Microseconds between samples. */
  readonly timeDeltas: readonly number[];
}

export interface HotFunction {
  readonly name: string;
  readonly share: number;
}

/** The functions that a process, with all its threads, spent most time in themselves; idle time does not count. */
export async function hottest(folder: string, count = 10): Promise<HotFunction[]> {
  const self = new Map<string, number>();
  for (const file of await readdir(folder)) {
    if (!file.endsWith(".cpuprofile")) continue;
    const profile = JSON.parse(await readFile(join(folder, file), "utf8")) as CpuProfile;
    const names = new Map(profile.nodes.map(({ id, callFrame }) => [id, nameOf(callFrame)]));
    for (const [index, id] of profile.samples.entries()) {
      const name = names.get(id)!;
      if (name === "(idle)") continue;
      self.set(name, (self.get(name) ?? 0) + profile.timeDeltas[index]!);
    }
  }
  const total = [...self.values()].reduce((sum, time) => sum + time, 0);
  const sorted = [...self].sort(([, a], [, b]) => b - a).slice(0, count);
  return sorted.map(([name, time]) => ({ name, share: time / total }));
}

function nameOf(frame: CpuProfile["nodes"][number]["callFrame"]): string {
  const name = frame.functionName === "" ? "(anonymous)" : frame.functionName;
  if (frame.url === "") return name;
  return `${name} ${frame.url.split("/").slice(-3).join("/")}:${frame.lineNumber + 1}`;
}
