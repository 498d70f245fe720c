import { SmallDisk } from "../servers/small-disk.js";
import type { VictimKind } from "./backends.js";
import { check } from "./check.js";
import { WallClock } from "./clock.js";
import { Member } from "./fleet.js";
import type { History } from "./history.js";
import { percentiles } from "./latency.js";
import { courseOf, type MemoryCourse } from "./memory.js";
import type { Target } from "./nemesis.js";
import { askPorcupine, type PorcupineVerdict } from "./porcupine.js";
import { type Run, run } from "./run.js";

export interface TrialOptions {
  readonly seconds: number;
  readonly seed: number;
  readonly clients: number;
  readonly adapters: number;
  readonly pauseMs: number;
  readonly targets: readonly Target[];
  readonly spareFirst: boolean;
  readonly restMs: readonly [number, number];
  readonly porcupine: boolean;
  /** Takes a line now and then about how far it is. */
  readonly tell: (line: string) => void;
}

export interface Trial {
  readonly name: string;
  readonly options: TrialOptions;
  readonly history: History;
  readonly problems: readonly string[];
  readonly faults: readonly string[];
  readonly faultCounts: ReadonlyMap<string, number>;
  readonly answered: number;
  readonly unknown: number;
  readonly recovered: number;
  readonly refused: number;
  readonly revisions: number;
  readonly watchers: number;
  readonly porcupine: PorcupineVerdict | undefined;
  readonly memory: readonly MemoryCourse[];
  /** The ends of the adapters' logs, if there are problems. */
  readonly logs: readonly string[];
}

const DISK_MEGABYTES = { sqlite: 64, servers: 1_024 };
/** From a life of so many seconds on, its memory must have come to rest. */
const SETTLED_AFTER_SECONDS = 240;
const MAX_GROWTH_MEGABYTES = 60;

export async function trial(kind: VictimKind, options: TrialOptions): Promise<Trial> {
  const { targets, adapters } = options;
  const megabytes = kind.backend === "sqlite" ? DISK_MEGABYTES.sqlite : DISK_MEGABYTES.servers;
  const disk = targets.includes("disk") ? await SmallDisk.mount(megabytes) : undefined;
  const onDisk = <T>(start: () => Promise<T>) => (disk ? disk.use(start) : start());
  const victim = await onDisk(() => kind.start());
  const members: Member[] = [];
  try {
    const start = async (index: number) => {
      const clock = targets.includes("clocks") ? new WallClock() : undefined;
      const begin = () => Member.start(index, victim.url, clock);
      members.push(await (victim.servers.length === 0 ? onDisk(begin) : begin()));
    };
    await Promise.all(Array.from({ length: adapters }, (_, index) => start(index)));
    members.sort((a, b) => a.index - b.index);
    const { clients, seed, seconds, pauseMs, spareFirst, restMs, tell } = options;
    const ran = await run(members, victim, {
      ...{ seed, clients, pauseMs, leaseHolders: 4, stormMs: seconds * 1_000, tell },
      harm: { targets, spareFirst: spareFirst && adapters > 1, restMs, disk },
    });
    const checked = await examine(kind.name, options, ran);
    const logs = checked.problems.length > 0 ? members.map((member) => member.process.logTail(15)) : [];
    return { ...checked, logs };
  } finally {
    await Promise.all(members.map((member) => member.stop()));
    await victim.stop();
    disk?.detach();
  }
}

async function examine(name: string, options: TrialOptions, ran: Run): Promise<Trial> {
  const { history, faults, faultCounts, watchers } = ran;
  options.tell(`checking ${history.operations.length} calls and ${history.segments.length} watch streams`);
  const verdict = check(history);
  const problems = [...ran.problems, ...verdict.problems];
  // Of a history that can't be, porcupine may find no end.
  if (options.porcupine) options.tell(`${problems.length} violations ${shown(problems)}; asking porcupine`);
  const porcupine = options.porcupine ? await askPorcupine(history, 60 + options.seconds) : undefined;
  if (porcupine && porcupine.result !== "Ok")
    problems.push(`porcupine says ${porcupine.result}`, ...porcupine.problems);
  const memory = ran.memory.filter(({ samples }) => samples.length > 0).map(courseOf);
  for (const { incarnation, seconds, secondQuarter, lastQuarter } of memory)
    if (seconds > SETTLED_AFTER_SECONDS && lastQuarter - secondQuarter > MAX_GROWTH_MEGABYTES)
      problems.push(
        `the memory of adapter ${incarnation} grew from ${secondQuarter} to ${lastQuarter} MB in ${seconds} s`,
      );
  const count = (type: string) => history.operations.filter(({ outcome }) => outcome.type === type).length;
  return {
    ...{ name, options, history, problems, faults, faultCounts, watchers, porcupine, memory, logs: [] },
    ...{ answered: count("ok"), unknown: count("unknown"), refused: count("refused") },
    ...{ recovered: verdict.recovered, revisions: verdict.log.size },
  };
}

/** How long calls took that were answered. */
export function latencies({ operations }: History): string[] {
  return ["put", "delete", "txn", "get"].flatMap((via) => {
    const own = operations.filter(
      ({ request, outcome }) => outcome.type === "ok" && request.via === via && !request.serializable,
    );
    const times = own.map((operation) => operation.return - operation.call).sort((a, b) => a - b);
    return times.length > 0 ? [`${via} answered in ${percentiles(times)}`] : [];
  });
}

/** The errors that calls ended with, and how often. */
export function errorsOf({ operations }: History): Map<string, number> {
  const errors = new Map<string, number>();
  for (const { outcome } of operations) {
    if (outcome.type === "ok") continue;
    // Without the addresses and times that grpc-js adds.
    const text = outcome.error.replace(/ after [\d.]+s,.*| 127\.0.*/, "");
    errors.set(text, (errors.get(text) ?? 0) + 1);
  }
  return errors;
}

export function shown(problems: readonly string[]): string {
  return problems
    .slice(0, 10)
    .map((problem) => problem.slice(0, 2_000))
    .join("\n");
}
