import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT = fileURLToPath(new URL("../../..", import.meta.url));

export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly license?: string;
  readonly private?: boolean;
  readonly engines?: { readonly node?: string };
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly exports?: Readonly<Record<string, string>>;
  readonly bin?: Readonly<Record<string, string>>;
}

export interface Package {
  /** From the root, such as plugins/sqlite. */
  readonly folder: string;
  readonly manifest: Manifest;
}

/** What `npm publish --workspaces` would publish. */
export function publishedPackages(): Package[] {
  const { workspaces } = readManifest("") as unknown as { workspaces: readonly string[] };
  return workspaces
    .flatMap((pattern) => (pattern.endsWith("/*") ? children(pattern.slice(0, -2)) : [pattern]))
    .map((folder) => ({ folder, manifest: readManifest(folder) }))
    .filter(({ manifest }) => !manifest.private);
}

function children(folder: string): string[] {
  return readdirSync(join(ROOT, folder))
    .map((name) => relative(ROOT, join(ROOT, folder, name)))
    .filter((child) => existsSync(join(ROOT, child, "package.json")));
}

function readManifest(folder: string): Manifest {
  return JSON.parse(readFileSync(join(ROOT, folder, "package.json"), "utf8")) as Manifest;
}
