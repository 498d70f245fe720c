import { closest } from "fastest-levenshtein";
import { ConfigError } from "../config/config-error.js";

export interface Flag {
  /** What its value stands for in the help; without one it is set by being named. */
  readonly value?: string;
  readonly help: string;
}

export interface Given<Name extends string> {
  readonly values: Readonly<Partial<Record<Name, string>>>;
  /** What is no flag. */
  readonly words: readonly string[];
}

/** The flags of a command that is not the server: `--name VALUE`, `--name=VALUE`, `--switch`. */
export function parseFlags<Name extends string>(
  args: readonly string[],
  flags: Readonly<Record<Name, Flag>>,
): Given<Name> {
  const values: Partial<Record<string, string>> = {};
  const words: string[] = [];
  const rest = [...args];
  for (let arg = rest.shift(); arg !== undefined; arg = rest.shift()) {
    const match = /^--?([a-z][a-z0-9-]*)(?:=(.*))?$/s.exec(arg);
    if (!match) {
      words.push(arg);
      continue;
    }
    const name = match[1]!;
    if (!Object.hasOwn(flags, name)) {
      throw new ConfigError(
        `--${name} is not an option here; did you mean --${closest(name, Object.keys(flags))}?`,
      );
    }
    const takesValue = flags[name as Name].value !== undefined;
    const value = match[2] ?? (takesValue ? rest.shift() : "true");
    if (value === undefined) throw new ConfigError(`--${name} needs a value, as in --${name}=VALUE.`);
    values[name] = value;
  }
  return { values: values as Given<Name>["values"], words };
}

export function flagsHelp(flags: Readonly<Record<string, Flag>>): string {
  return Object.entries(flags)
    .map(([name, { value, help }]) => `  --${name}${value === undefined ? "" : ` ${value}`}\n      ${help}\n`)
    .join("");
}
