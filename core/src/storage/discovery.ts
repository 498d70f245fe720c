import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { StorageError } from "./errors.js";

/**
 * A plugin package, as its package.json describes it: `"etcd-adapter": { "plugin": "redis", "schemes": ["redis"] }`.
 * Finding one loads no code of it.
 */
export interface FoundPlugin {
  readonly plugin: string;
  readonly schemes: readonly string[];
  readonly packageName: string;
  readonly version: string;
  /** Path of the module to import. */
  readonly entry: string;
}

/** node_modules folders that Node itself would search, from the working folder and from here. */
function moduleFolders(): string[] {
  const folders = new Set<string>();
  for (const start of [process.cwd(), dirname(fileURLToPath(import.meta.url))]) {
    for (let folder = resolve(start); ; folder = dirname(folder)) {
      const candidate = join(folder, "node_modules");
      if (existsSync(candidate)) folders.add(candidate);
      if (folder === dirname(folder)) break;
    }
  }
  return [...folders];
}

function packageFolders(modules: string): string[] {
  return readdirSync(modules).flatMap((name) => {
    if (name.startsWith(".")) return [];
    const folder = join(modules, name);
    return name.startsWith("@") ? readdirSync(folder).map((inner) => join(folder, inner)) : [folder];
  });
}

interface Manifest {
  readonly name?: string;
  readonly version?: string;
  readonly main?: string;
  readonly exports?: unknown;
  readonly "etcd-adapter"?: { readonly plugin?: unknown; readonly schemes?: unknown };
}

export function readPlugin(folder: string): FoundPlugin | undefined {
  const path = join(folder, "package.json");
  if (!existsSync(path)) return undefined;
  const source = readFileSync(path, "utf8");
  if (!source.includes('"etcd-adapter"')) return undefined;
  const manifest = parseManifest(path, source);
  const described = manifest["etcd-adapter"];
  if (!described || !manifest.name) return undefined;
  const { plugin, schemes = [plugin] } = described;
  if (typeof plugin !== "string" || !isStrings(schemes)) {
    throw new StorageError(
      "misconfigured",
      `${path}: the field "etcd-adapter" must look like { "plugin": "redis", "schemes": ["redis"] }.`,
    );
  }
  return {
    plugin,
    schemes,
    packageName: manifest.name,
    version: manifest.version ?? "0.0.0",
    entry: join(folder, entryOf(manifest.exports) ?? manifest.main ?? "index.js"),
  };
}

function parseManifest(path: string, source: string): Manifest {
  try {
    return JSON.parse(source) as Manifest;
  } catch (cause) {
    throw new StorageError("misconfigured", `${path} is not valid JSON.`, { cause });
  }
}

function isStrings(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((one) => typeof one === "string");
}

/** The file that `exports` names for a plain import of the package. */
function entryOf(exports: unknown): string | undefined {
  if (typeof exports === "string") return exports;
  if (typeof exports !== "object" || exports === null) return undefined;
  for (const condition of [".", "import", "node", "default"]) {
    const entry = entryOf((exports as Record<string, unknown>)[condition]);
    if (entry !== undefined) return entry;
  }
  return undefined;
}

/** Every plugin that is installed, the nearest of each name. */
export function findPlugins(): FoundPlugin[] {
  const found = new Map<string, FoundPlugin>();
  for (const modules of moduleFolders()) {
    for (const folder of packageFolders(modules)) {
      const plugin = readPlugin(folder);
      if (plugin && !found.has(plugin.packageName)) found.set(plugin.packageName, plugin);
    }
  }
  return [...found.values()].sort((a, b) => a.plugin.localeCompare(b.plugin));
}
