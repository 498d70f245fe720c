import { messageOf } from "@etcd-adapter/test/dist/servers/index.js";
import type { Cohort } from "./cohorts.js";
import type { Load } from "./load.js";
import { type Scenario, takesPart } from "./scenarios.js";
import { type LeftOut, onStage, type Performer } from "./stage.js";
import { cpuSeconds } from "./usage.js";

/** One run of a scenario on a subject. */
export interface Sample {
  readonly scenario: string;
  readonly subject: string;
  readonly round: number;
  readonly figures: Readonly<Record<string, number>>;
  /** CPU of the subject, of its storage's server and of the load generator, in that run. */
  readonly cpu: { readonly subject: number; readonly server: number; readonly load: number };
}

export interface Failure {
  readonly scenario: string;
  readonly subject: string;
  readonly message: string;
}

export interface CohortResult {
  readonly title: string;
  readonly subjects: readonly string[];
  readonly samples: readonly Sample[];
  /** A wrong answer is no speed: the run that got one has no figures. */
  readonly failures: readonly Failure[];
  readonly leftOut: readonly LeftOut[];
}

export interface MeasureOptions {
  readonly rounds: number;
  readonly seconds: number;
  readonly keys: number;
  readonly profiles: string | undefined;
  readonly say: (line: string) => void;
}

/** Measures scenario by scenario, and in each round all subjects in turns, so that a noisy minute hits all of them. */
export async function measureCohort(
  cohort: Cohort,
  scenarios: readonly Scenario[],
  load: Load,
  options: MeasureOptions,
): Promise<CohortResult> {
  const samples: Sample[] = [];
  const failures: Failure[] = [];
  const subjects: string[] = [];
  const attempt = async (subject: string, scenario: string, work: () => Promise<void>): Promise<boolean> => {
    try {
      await work();
      return true;
    } catch (error) {
      failures.push({ scenario, subject, message: messageOf(error) });
      options.say(`${subject} ${scenario}: ${messageOf(error)}`);
      return false;
    }
  };
  const plans = cohort.subjects.filter(({ kind }) =>
    scenarios.some((scenario) => takesPart(scenario, kind, cohort.onServer)),
  );
  const leftOut = await onStage(plans, { load, profiles: options.profiles }, async (performers) => {
    subjects.push(...performers.map(({ subject }) => subject.name));
    const full = new Set<Performer>();
    for (const performer of scenarios.some(({ filled }) => filled) ? performers : []) {
      const { name } = performer.subject;
      options.say(`${cohort.title}: ${options.keys} keys into ${name}`);
      if (await attempt(name, "fill", () => fill(performer, load, 0, options.keys))) full.add(performer);
    }
    for (const scenario of scenarios) {
      const players = performers.filter(
        (performer) =>
          takesPart(scenario, performer.plan.kind, cohort.onServer) &&
          (!scenario.filled || full.has(performer)),
      );
      for (let round = 0; round < options.rounds; round++) {
        options.say(`${cohort.title}: ${scenario.name}, round ${round + 1}`);
        for (const performer of rotated(players, round)) {
          await attempt(performer.subject.name, scenario.name, async () => {
            samples.push(await sampleOf(performer, scenario, round, load, options));
          });
        }
      }
    }
  });
  return { title: cohort.title, subjects, samples, failures, leftOut };
}

/** Puts the keys from `first` on, and counts all of them. */
export async function fill(
  { plan, subject }: Performer,
  load: Load,
  first: number,
  keys: number,
): Promise<void> {
  await subject.seed?.(keys);
  const from = subject.seed ? keys : first;
  // kine takes one put in a transaction
  const shape = plan.kind === "kine" ? ["--batch=1", "--streams=8"] : ["--batch=128", "--streams=2"];
  await load(subject.target, ["fill", `--from=${from}`, `--keys=${keys}`, "--connections=8", ...shape]);
}

export async function sampleOf(
  { subject, server }: Performer,
  scenario: Scenario,
  round: number,
  load: Load,
  { seconds, keys }: { readonly seconds: number; readonly keys: number },
): Promise<Sample> {
  const used = () => ({
    subject: cpuSeconds(subject.process.pid),
    server: server ? cpuSeconds(server.process.pid) : 0,
  });
  const before = used();
  // the first round also lets V8 compile what the scenario needs
  const warmup = round === 0 ? (scenario.warmupSeconds ?? seconds) : Math.min(0.3, seconds / 3);
  const time = [`--duration=${seconds}s`, `--warmup=${warmup.toFixed(3)}s`];
  const filled = scenario.filled ? [`--keys=${keys}`] : [];
  const { figures, cpuSeconds: loadCpu } = await load(subject.target, [...scenario.args, ...time, ...filled]);
  const after = used();
  return {
    scenario: scenario.name,
    subject: subject.name,
    round,
    figures,
    cpu: { subject: after.subject - before.subject, server: after.server - before.server, load: loadCpu },
  };
}

/** Each round another subject begins. */
export function rotated<T>(items: readonly T[], by: number): T[] {
  const first = items.length === 0 ? 0 : by % items.length;
  return [...items.slice(first), ...items.slice(0, first)];
}
