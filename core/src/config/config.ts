import { ConfigError } from "./config-error.js";
import { CONFIG, type Config, WITHOUT_EFFECT } from "./options.js";
import { fromArguments, fromEnvironment, fromFile, type Settings } from "./sources.js";

export interface LoadedConfig {
  readonly config: Config;
  /** Sentences for the log. */
  readonly warnings: readonly string[];
}

/** Options from the command line, then the environment, then the file that `--config` names. */
export function loadConfig(args: readonly string[], environment: NodeJS.ProcessEnv): LoadedConfig {
  const { settings, configFile } = fromArguments(args);
  const file = configFile ?? environment.ETCD_CONFIG_FILE;
  const merged: Settings = new Map([
    ...(file ? fromFile(file) : []),
    ...fromEnvironment(environment),
    ...settings,
  ]);
  const warnings: string[] = [];
  for (const [name, { where }] of merged) {
    if (!WITHOUT_EFFECT.has(name)) continue;
    merged.delete(name);
    warnings.push(`${where} has no effect here and is ignored.`);
  }
  return { config: check(merged), warnings };
}

function check(settings: Settings): Config {
  const values = Object.fromEntries(Array.from(settings, ([name, { value }]) => [name, value]));
  const result = CONFIG.safeParse(values);
  if (result.success) return result.data;
  const issue = result.error.issues[0]!;
  const where = settings.get(String(issue.path[0]))?.where ?? String(issue.path[0]);
  const inside = issue.path.slice(1).join(".");
  throw new ConfigError(`${where}${inside ? `.${inside}` : ""}: ${issue.message}.`);
}
