import { resolve } from "node:path";
import { pino } from "pino";
import { ConfigError } from "../config/config-error.js";
import { copy } from "../moving/copy.js";
import { parsePlace } from "../moving/places.js";
import { Progress } from "../moving/progress.js";
import { accessOf, endpointFlags } from "./endpoint-flags.js";
import { type Flag, flagsHelp, parseFlags } from "./flags.js";

const FLAGS = {
  from: { value: "PLACE", help: "where from" },
  to: { value: "PLACE", help: "where to" },
  overwrite: {
    help: "replace what the target holds otherwise, and remove what the source does not have; without it such a target is refused",
  },
  "work-dir": {
    value: "DIR",
    help: "where the source's snapshot is kept until the copy is done, so that it can go on after an interruption; needs about three times the source's size (default: in the system's folder for temporary files)",
  },
  "data-dir": {
    value: "DIR",
    help: "folder of storages that keep files and name none (default default.etcd-adapter)",
  },
  ...endpointFlags("from-"),
  ...endpointFlags("to-"),
} as const satisfies Record<string, Flag>;

const HELP = `Usage:
  etcd-adapter copy --from PLACE --to PLACE [--OPTION VALUE …]

A place is one of
  http://HOST:PORT, https://HOST:PORT   a running etcd or adapter
  sqlite:PATH, postgres://…, …          a storage, as in --storage
  file:PATH                             a snapshot file; as the source also one of etcd

Keys, values and leases are copied, revisions, history, users and roles too where both sides allow it. Both sides are
compared at the end. Run again, it goes on after an interruption, or changes nothing.

Options:
${flagsHelp(FLAGS)}`;

export async function copyCommand(args: readonly string[]): Promise<string> {
  if (args.includes("--help") || args.includes("-h")) return HELP;
  const { values, words } = parseFlags(args, FLAGS);
  if (words.length > 0) throw new ConfigError(`"${words[0]}" is not an option; options start with --.`);
  const from = parsePlace("--from", required(values, "from"), accessOf(values, "from-"));
  const to = parsePlace("--to", required(values, "to"), accessOf(values, "to-"));
  const sentences = await copy({
    from,
    to,
    overwrite: values.overwrite === "true",
    workDir: values["work-dir"],
    context: { logger: quietLogger(), dataDir: resolve(values["data-dir"] ?? "default.etcd-adapter") },
    progress: progressOnStderr(),
  });
  return sentences.map((sentence) => `${sentence}\n`).join("");
}

function required(values: Readonly<Partial<Record<string, string>>>, name: string): string {
  const value = values[name];
  if (value === undefined)
    throw new ConfigError(`--${name} is missing; "etcd-adapter copy --help" tells more.`);
  return value;
}

/** What a plugin has to say while data is moved becomes an error, or is of no interest. */
export function quietLogger() {
  return pino({ level: "silent" });
}

export function progressOnStderr(): Progress {
  // Node warns of grpc-js, which names an IP address where TLS knows only names: nothing that could be done here.
  process.noDeprecation = true;
  return new Progress((line) => process.stderr.write(`${line}\n`));
}
