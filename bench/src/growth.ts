import { messageOf } from "@etcd-adapter/test/dist/servers/index.js";
import { spreadOf } from "./figures.js";
import type { Load } from "./load.js";
import { type Failure, fill, rotated, sampleOf } from "./measure.js";
import type { Scenario } from "./scenarios.js";
import { type LeftOut, onStage, type Performer } from "./stage.js";
import { adapter, etcd, type SubjectPlan } from "./subjects.js";
import { residentMegabytes } from "./usage.js";

/** A subject with that many keys: medians of the rounds. */
export interface GrowthPoint {
  readonly subject: string;
  readonly keys: number;
  /** By the scenario's name, a second. */
  readonly rates: Readonly<Record<string, number>>;
  readonly residentMegabytes: number;
}

/** What a start on all those keys costs. */
export interface Restart {
  readonly subject: string;
  readonly keys: number;
  readonly seconds: number;
  readonly residentMegabytes: number;
}

export interface GrowthResult {
  readonly points: readonly GrowthPoint[];
  readonly restarts: readonly Restart[];
  readonly failures: readonly Failure[];
  readonly leftOut: readonly LeftOut[];
}

export interface GrowthOptions {
  readonly rounds: number;
  readonly seconds: number;
  readonly sizes: readonly number[];
  readonly say: (line: string) => void;
}

export const growthSubjects: readonly SubjectPlan[] = [
  etcd,
  adapter("memory", "own"),
  adapter("sqlite", "own"),
  adapter("postgres", "own"),
];

const rate = [{ key: "perSecond", unit: "/s" }] as const;
const eight = ["--connections=8", "--streams=8"];

/** What is measured at each size, on random ones of all keys. */
export const growthScenarios: readonly Scenario[] = [
  {
    name: "put",
    title: "Put, 64 in flight",
    args: ["grpc", "--operation=put-listed", ...eight],
    figures: rate,
    filled: true,
  },
  {
    name: "get",
    title: "Range of one key, 64 in flight",
    args: ["grpc", "--operation=get", ...eight],
    figures: rate,
    filled: true,
  },
  {
    name: "list",
    title: "Range of 1,000 keys, 8 in flight",
    args: ["grpc", "--operation=list", "--connections=8"],
    figures: rate,
    filled: true,
  },
];

/** Lets all subjects grow side by side, and starts the durable ones again when they are full. */
export async function measureGrowth(
  plans: readonly SubjectPlan[],
  load: Load,
  options: GrowthOptions,
): Promise<GrowthResult> {
  const points: GrowthPoint[] = [];
  const restarts: Restart[] = [];
  const failures: Failure[] = [];
  const leftOut = await onStage(plans, { load, profiles: undefined }, async (performers) => {
    const sound = new Set(performers);
    const attempt = async (
      performer: Performer,
      scenario: string,
      work: () => Promise<void>,
    ): Promise<void> => {
      try {
        await work();
      } catch (error) {
        sound.delete(performer);
        failures.push({ scenario, subject: performer.subject.name, message: messageOf(error) });
        options.say(`growth, ${performer.subject.name}: ${messageOf(error)}`);
      }
    };
    let before = 0;
    for (const keys of options.sizes) {
      for (const performer of sound) {
        options.say(`growth: ${keys} keys into ${performer.subject.name}`);
        await attempt(performer, `growth to ${keys}`, () => fill(performer, load, before, keys));
      }
      before = keys;
      for (const point of await pointsAt(keys, [...sound], load, options, attempt)) points.push(point);
    }
    for (const performer of sound) {
      if (performer.plan.storage === "memory") continue;
      options.say(`growth: starting ${performer.subject.name} again`);
      await attempt(performer, "restart", async () => {
        restarts.push(await restarted(performer, before));
      });
    }
  });
  return { points, restarts, failures, leftOut };
}

async function pointsAt(
  keys: number,
  performers: readonly Performer[],
  load: Load,
  { rounds, seconds, say }: GrowthOptions,
  attempt: (performer: Performer, scenario: string, work: () => Promise<void>) => Promise<void>,
): Promise<GrowthPoint[]> {
  const rates = new Map<Performer, Record<string, number[]>>(performers.map((performer) => [performer, {}]));
  for (const scenario of growthScenarios) {
    say(`growth: ${scenario.name} at ${keys} keys`);
    for (let round = 0; round < rounds; round++) {
      for (const performer of rotated(performers, round)) {
        await attempt(performer, `${scenario.name} at ${keys} keys`, async () => {
          const { figures } = await sampleOf(performer, scenario, round, load, { seconds, keys });
          const of = rates.get(performer)!;
          of[scenario.name] = [...(of[scenario.name] ?? []), figures.perSecond!];
        });
      }
    }
  }
  return performers.map((performer) => ({
    subject: performer.subject.name,
    keys,
    rates: Object.fromEntries(
      Object.entries(rates.get(performer)!).map(([name, samples]) => [name, spreadOf(samples)!.median]),
    ),
    residentMegabytes: residentMegabytes(performer.subject.process.pid),
  }));
}

async function restarted({ subject }: Performer, keys: number): Promise<Restart> {
  await subject.process.stop();
  const begin = performance.now();
  await subject.process.restart();
  const seconds = (performance.now() - begin) / 1000;
  const resident = residentMegabytes(subject.process.pid);
  return { subject: subject.name, keys, seconds, residentMegabytes: resident };
}
