/** Where option values come from: the command line, the environment, a YAML file. */
import { readFileSync } from "node:fs";
import { closest } from "fastest-levenshtein";
import { isMap, isScalar, LineCounter, parseDocument } from "yaml";
import { ConfigError } from "./config-error.js";
import { KNOWN_NAMES, NOT_HERE, OPTIONS, SWITCHES, WITHOUT_EFFECT } from "./options.js";

export interface Setting {
  readonly value: unknown;
  /** Where it stands, for messages: `--name`, `ETCD_NAME`, `etcd.yaml, line 3`. */
  readonly where: string;
}

export type Settings = Map<string, Setting>;

/** Options that are for the program itself and not for the server. */
const CONFIG_FILE_NAMES = new Set(["config", "config-file"]);

function unknown(name: string, where: string): ConfigError {
  const instead = NOT_HERE.get(name);
  if (instead !== undefined) return new ConfigError(`${where} of etcd is not supported: ${instead}.`);
  const near = closest(name, [...KNOWN_NAMES]);
  return new ConfigError(`${where} is not an option; did you mean ${near}? --help lists them all.`);
}

function isKnown(name: string): boolean {
  return name in OPTIONS || WITHOUT_EFFECT.has(name);
}

/** `--name value`, `--name=value` and, as Go's flags are also written, `-name`. */
export function fromArguments(args: readonly string[]): {
  settings: Settings;
  configFile: string | undefined;
} {
  const settings: Settings = new Map();
  let configFile: string | undefined;
  for (let index = 0; index < args.length; index++) {
    const match = /^--?([a-z][a-z0-9-]*)(?:=(.*))?$/s.exec(args[index]!);
    if (!match) throw new ConfigError(`"${args[index]}" is not an option; options start with --.`);
    const name = match[1]!;
    const where = `--${name}`;
    if (!isKnown(name) && !CONFIG_FILE_NAMES.has(name)) throw unknown(name, where);
    let value = match[2];
    if (value === undefined && SWITCHES.has(name)) value = "true";
    if (value === undefined) {
      const next = args[index + 1];
      if (next === undefined || /^--?[a-z]/.test(next)) {
        if (!WITHOUT_EFFECT.has(name)) throw new ConfigError(`${where} needs a value, as in ${where}=VALUE.`);
      } else {
        value = next;
        index++;
      }
    }
    if (CONFIG_FILE_NAMES.has(name)) configFile = value;
    else settings.set(name, { value, where });
  }
  return { settings, configFile };
}

/** `ETCD_LISTEN_CLIENT_URLS` is --listen-client-urls; variables that name no option are left to others. */
export function fromEnvironment(environment: NodeJS.ProcessEnv): Settings {
  const settings: Settings = new Map();
  for (const [variable, value] of Object.entries(environment)) {
    if (!variable.startsWith("ETCD_") || value === undefined || value === "") continue;
    const name = variable.slice("ETCD_".length).toLowerCase().replaceAll("_", "-");
    if (isKnown(name)) settings.set(name, { value, where: variable });
  }
  return settings;
}

export function fromFile(path: string): Settings {
  const lines = new LineCounter();
  const document = parseDocument(readConfigFile(path), { lineCounter: lines });
  const [problem] = document.errors;
  if (problem) {
    const { line } = lines.linePos(problem.pos[0]);
    throw new ConfigError(`${path}, line ${line}: this is not valid YAML: ${problem.message.split("\n")[0]}`);
  }
  const settings: Settings = new Map();
  if (document.contents === null) return settings;
  if (!isMap(document.contents)) {
    throw new ConfigError(
      `${path}: a list of options is needed, such as listen-client-urls: http://127.0.0.1:2379`,
    );
  }
  for (const { key, value } of document.contents.items) {
    const name = isScalar(key) ? String(key.value) : "";
    const offset = isScalar(key) ? (key.range?.[0] ?? 0) : 0;
    const where = `${path}, line ${lines.linePos(offset).line}: ${name}`;
    if (!isKnown(name)) throw unknown(name, where);
    const plain: unknown =
      value === null ? undefined : (value as { toJS(doc: unknown): unknown }).toJS(document);
    settings.set(name, { value: plain, where });
  }
  return settings;
}

function readConfigFile(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    const reason =
      (error as NodeJS.ErrnoException).code === "ENOENT" ? "there is no such file" : String(error);
    throw new ConfigError(`--config ${path} can't be read: ${reason}.`, { cause: error });
  }
}
