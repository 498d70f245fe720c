/** `npm run soak`: backends under faults for as long as one likes, and a report. */
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { type Backend, requiredBackends } from "../servers/index.js";
import { type VictimKind, victims } from "./backends.js";
import { TARGETS, type Target } from "./nemesis.js";
import { reportOf } from "./report.js";
import { shown, type Trial, trial } from "./trial.js";

const USAGE = `Random clients on several adapters under faults; every history is checked by two checkers.

  npm run soak -- [--seconds 60] [--backends sqlite,postgres,mariadb,tidb,consul,zookeeper,memory]
      [--only NAME] [--targets ${TARGETS.join(",")}] [--adapters N] [--clients 12]
      [--seed N] [--report FILE]

--only names one of a backend's forms, such as "three Consuls". The targets default to all that the backend has;
filling a disk takes root, clocks take Debian's faketime. Without --report the report goes to standard output.`;

/** The clients' calls of a long run; lease holders make about as many. */
const MAX_CALLS = 60_000;

const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "60" },
    backends: { type: "string", default: "sqlite" },
    only: { type: "string" },
    targets: { type: "string", default: TARGETS.join(",") },
    adapters: { type: "string" },
    clients: { type: "string", default: "12" },
    seed: { type: "string", default: String(Date.now() % 2 ** 31) },
    report: { type: "string" },
    help: { type: "boolean", short: "h" },
  },
});

async function soak(): Promise<void> {
  const wanted = values.targets.split(",");
  const unknown = wanted.filter((target) => !(TARGETS as readonly string[]).includes(target));
  if (unknown.length > 0) throw new Error(`${unknown} is none of ${TARGETS.join(", ")}`);
  const backends = requiredBackends({ ETCD_ADAPTER_TEST_BACKENDS: values.backends }) as readonly Backend[];
  const kinds = victims(backends).filter(({ name }) => values.only === undefined || name === values.only);
  if (kinds.length === 0) throw new Error(`there is nothing to harm in ${values.backends}`);
  const trials: Trial[] = [];
  for (const kind of kinds) {
    const done = await trial(kind, optionsFor(kind, wanted as Target[]));
    trials.push(done);
    const { name, answered, problems } = done;
    console.error(`${name}: ${answered} calls answered, ${problems.length} violations ${shown(problems)}`);
    if (problems.length > 0) console.error([...done.faults, ...done.logs].join("\n"));
  }
  const report = reportOf(trials);
  if (values.report === undefined) console.log(report);
  else writeFileSync(values.report, report);
  process.exitCode = trials.some(({ problems }) => problems.length > 0) ? 1 : 0;
}

function optionsFor(kind: VictimKind, wanted: readonly Target[]) {
  const [seconds, clients, seed] = [values.seconds, values.clients, values.seed].map(Number) as [
    number,
    number,
    number,
  ];
  const targets = kind.targets.filter((target) => wanted.includes(target));
  const adapters = Number(values.adapters ?? kind.adapters);
  const pauseMs = Math.max(10, (clients * seconds * 1_000) / MAX_CALLS);
  console.error(`${kind.name}: ${adapters} adapters for ${seconds} s, ${targets.join(", ")}, seed ${seed}`);
  return {
    ...{ seconds, clients, seed, targets, adapters, pauseMs },
    ...{ spareFirst: true, restMs: [500, 4_000] as const, porcupine: true },
    tell: (line: string) => console.error(`${kind.name}: ${line}`),
  };
}

if (values.help) console.log(USAGE);
else await soak();
// Whatever handle a fault has left open.
process.exit();
