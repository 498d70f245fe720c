import { resolve } from "node:path";
import { dataDirOf } from "../adapter.js";
import { loadConfig } from "../config/config.js";
import { ConfigError } from "../config/config-error.js";
import { copy } from "../moving/copy.js";
import { parsePlace, storagePlace } from "../moving/places.js";
import { saveSnapshot } from "../moving/save.js";
import { snapshotStatus } from "../moving/status.js";
import { progressOnStderr, quietLogger } from "./copy.js";
import { accessOf, endpointFlags } from "./endpoint-flags.js";
import { type Flag, flagsHelp, parseFlags } from "./flags.js";

const SAVE_FLAGS = {
  endpoints: { value: "URL", help: "the running server (default http://127.0.0.1:2379)" },
  ...endpointFlags(""),
} as const satisfies Record<string, Flag>;

const STATUS_FLAGS = {
  "write-out": { value: "simple|json", help: "how it is written (default simple)" },
} as const satisfies Record<string, Flag>;

const HELP = `Usage:
  etcd-adapter snapshot save FILE [--endpoints URL …]
  etcd-adapter snapshot restore FILE [--storage URL …]
  etcd-adapter snapshot status FILE [--write-out json]

Files are snapshots of an adapter or of etcd. "restore" takes the server's options, of which it needs --storage and
--data-dir, and fills that storage if it is empty, with all revisions; run again it goes on after an interruption.
"status" prints hash, revision, versions and size.

Options of save:
${flagsHelp(SAVE_FLAGS)}
Options of status:
${flagsHelp(STATUS_FLAGS)}`;

export async function snapshotCommand(args: readonly string[]): Promise<string> {
  if (args.length === 0 || args.includes("--help") || args.includes("-h")) return HELP;
  const [command, ...rest] = args;
  switch (command) {
    case "save":
      return save(rest);
    case "restore":
      return restore(rest);
    case "status":
      return status(rest);
    default:
      throw new ConfigError(`"snapshot ${command}" is not a command; there are save, restore and status.`);
  }
}

async function save(args: readonly string[]): Promise<string> {
  const { values, words } = parseFlags(args, SAVE_FLAGS);
  const file = onlyFile("save", words);
  const url = values.endpoints ?? "http://127.0.0.1:2379";
  const place = parsePlace("--endpoints", url, accessOf(values, ""));
  if (place.kind !== "endpoint") throw new ConfigError(`--endpoints: "${url}" is not http:// or https://.`);
  const { kind } = await saveSnapshot(place.options, resolve(file), progressOnStderr());
  return `Snapshot saved at ${file}, in the format of ${kind === "etcd" ? "etcd" : "etcd-adapter"}\n`;
}

/** The file may stand before or behind the server's options. */
async function restore(args: readonly string[]): Promise<string> {
  const isFirst = args[0] !== undefined && !args[0].startsWith("-");
  const file = onlyFile("restore", [(isFirst ? args[0] : args.at(-1)) ?? ""]);
  const { config } = loadConfig(isFirst ? args.slice(1) : args.slice(0, -1), process.env);
  const sentences = await copy({
    from: parsePlace("FILE", `file:${file}`, {}),
    to: storagePlace(config.storage),
    overwrite: false,
    workDir: undefined,
    context: { logger: quietLogger(), dataDir: dataDirOf(config) },
    progress: progressOnStderr(),
  });
  return sentences.map((sentence) => `${sentence}\n`).join("");
}

async function status(args: readonly string[]): Promise<string> {
  const { values, words } = parseFlags(args, STATUS_FLAGS);
  const found = await snapshotStatus(resolve(onlyFile("status", words)));
  if (values["write-out"] === "json") return `${JSON.stringify(found)}\n`;
  const { hash, revision, totalKey, totalSize } = found;
  return `${hash.toString(16)}, ${revision}, ${totalKey}, ${(totalSize / 1e6).toFixed(1)} MB\n`;
}

function onlyFile(command: string, words: readonly string[]): string {
  if (words.length === 1 && words[0] !== "" && !words[0]!.startsWith("-")) return words[0]!;
  throw new ConfigError(`"snapshot ${command}" needs one file, as in snapshot ${command} FILE.`);
}
