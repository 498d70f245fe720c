import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { closest } from "fastest-levenshtein";
import { firstLine } from "./contract.js";
import { type FoundPlugin, findPlugins, readPlugin } from "./discovery.js";
import { StorageError } from "./errors.js";
import { SEAM_VERSION, type StoragePlugin } from "./plugin.js";

/** The storage as configured: one URL, or a plugin and its options. */
export type StorageChoice = string | { readonly plugin: string; readonly options: Record<string, unknown> };

/** A plugin with options that passed its check. */
export interface ChosenPlugin {
  readonly plugin: StoragePlugin;
  readonly options: unknown;
  /** Names it in messages. */
  readonly label: string;
}

function misconfigured(message: string, cause?: unknown): StorageError {
  return new StorageError("misconfigured", message, { cause });
}

/** Finds, loads and checks what the configuration names. Every failure is one sentence that names the plugin. */
export async function choosePlugin(choice: StorageChoice): Promise<ChosenPlugin> {
  const found = typeof choice === "string" ? findByScheme(choice) : findByName(choice.plugin);
  const label = `plugin "${found.plugin}" (${found.packageName} ${found.version})`;
  const plugin = await loadPlugin(found, label);
  const given = typeof choice === "string" ? optionsOfUrl(plugin, choice) : choice.options;
  return { plugin, options: checkOptions(plugin, given), label };
}

function findByScheme(url: string): FoundPlugin {
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(url)?.[1]?.toLowerCase();
  if (!scheme) {
    throw misconfigured(
      `storage: "${url}" is not a URL; write a scheme first, such as sqlite:${url} or memory:.`,
    );
  }
  const plugins = findPlugins();
  const found = onlyOne(
    plugins.filter((plugin) => plugin.schemes.includes(scheme)),
    `storage: "${scheme}:" URLs are`,
  );
  if (found) return found;
  const schemes = plugins.flatMap((plugin) => plugin.schemes);
  throw misconfigured(
    `storage: no installed plugin serves "${scheme}:" URLs${didYouMean(scheme, schemes)}; "etcd-adapter plugins" lists those that are.`,
  );
}

function findByName(name: string): FoundPlugin {
  if (name.startsWith(".") || name.startsWith("/")) return readFolder(resolve(name));
  const plugins = findPlugins();
  const found = onlyOne(
    plugins.filter((plugin) => plugin.plugin === name || plugin.packageName === name),
    `storage.plugin: the name "${name}" is`,
  );
  if (found) return found;
  const names = plugins.map((plugin) => plugin.plugin);
  throw misconfigured(
    `storage.plugin: there is no plugin "${name}"${didYouMean(name, names)}; install its package beside etcd-adapter ("npm install NAME"), "etcd-adapter plugins" lists what is found.`,
  );
}

function readFolder(folder: string): FoundPlugin {
  const found = readPlugin(folder);
  if (found) return found;
  throw misconfigured(
    `storage.plugin: there is no plugin in ${folder}; its package.json must have a name, and a field "etcd-adapter" such as { "plugin": "redis", "schemes": ["redis"] }.`,
  );
}

/** Which one would be taken must not depend on their names. */
function onlyOne(plugins: readonly FoundPlugin[], what: string): FoundPlugin | undefined {
  if (plugins.length < 2) return plugins[0];
  const names = plugins.map((plugin) => plugin.packageName).join(" and ");
  throw misconfigured(
    `${what} claimed by ${names}; remove all but one, or set storage.plugin to a package's name.`,
  );
}

function didYouMean(name: string, known: readonly string[]): string {
  return known.length > 0 ? ` (did you mean "${closest(name, [...known])}"?)` : "";
}

async function loadPlugin(found: FoundPlugin, label: string): Promise<StoragePlugin> {
  let definition: unknown;
  try {
    const module = (await import(pathToFileURL(found.entry).href)) as { default?: unknown };
    definition = module.default;
  } catch (error) {
    const reason = firstLine(error instanceof Error ? error.message : String(error));
    throw misconfigured(`${label} can't be loaded: ${reason}`, error);
  }
  if (typeof definition !== "object" || definition === null) {
    throw misconfigured(`${label} has no plugin definition as its default export; see definePlugin.`);
  }
  const plugin = definition as Partial<StoragePlugin>;
  // first, since in another version of the seam the rest may look different
  if (plugin.seam !== SEAM_VERSION) {
    throw misconfigured(
      `${label} was written for version ${plugin.seam ?? "(none is stated)"} of the storage seam, this is version ${SEAM_VERSION}; install a release of it that fits.`,
    );
  }
  const wrong = wrongParts(plugin);
  if (wrong.length > 0) {
    throw misconfigured(`${label} has a definition without a usable ${wrong.join(", ")}; see definePlugin.`);
  }
  return plugin as StoragePlugin;
}

function wrongParts(plugin: Partial<StoragePlugin>): string[] {
  const parts = {
    kind: plugin.kind === "log" || plugin.kind === "query",
    name: typeof plugin.name === "string",
    options: typeof plugin.options?.safeParse === "function",
    fromUrl: typeof plugin.fromUrl === "function",
    create: typeof plugin.create === "function",
  };
  return Object.entries(parts).flatMap(([part, isUsable]) => (isUsable ? [] : [part]));
}

function optionsOfUrl(plugin: StoragePlugin, url: string): unknown {
  try {
    return plugin.fromUrl(url);
  } catch (error) {
    throw misconfigured(`storage: ${error instanceof Error ? error.message : String(error)}`, error);
  }
}

function checkOptions(plugin: StoragePlugin, options: unknown): unknown {
  const result = plugin.options.safeParse(options);
  if (result.success) return result.data;
  const issue = result.error.issues[0]!;
  const where = ["storage.options", ...issue.path.map(String)].join(".");
  throw misconfigured(`${where} (plugin "${plugin.name}"): ${issue.message}.`);
}
