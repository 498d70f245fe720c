import { execFile } from "node:child_process";
import { readFileSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const MODULES = fileURLToPath(new URL("../../../node_modules", import.meta.url));
const execute = promisify(execFile);

/** Packs packages as they would be published, and those of the workspace that they need; gives their paths by name. */
export async function pack(names: readonly string[], destination: string): Promise<Map<string, string>> {
  const folders = [...withNeeded(names)].map((name) => realpathSync(join(MODULES, name)));
  const { stdout } = await execute("npm", ["pack", "--json", "--pack-destination", destination, ...folders], {
    cwd: destination,
  });
  const packed = JSON.parse(stdout) as { name: string; filename: string }[];
  return new Map(packed.map(({ name, filename }) => [name, join(destination, filename)]));
}

function withNeeded(names: readonly string[], found = new Set<string>()): Set<string> {
  for (const name of names) {
    if (found.has(name)) continue;
    found.add(name);
    const manifest = readFileSync(join(MODULES, name, "package.json"), "utf8");
    const { dependencies = {} } = JSON.parse(manifest) as { dependencies?: Record<string, string> };
    withNeeded(
      Object.keys(dependencies).filter((needed) => needed.startsWith("@etcd-adapter/")),
      found,
    );
  }
  return found;
}

/** A manifest that takes the packed packages, which no registry has yet, instead of released ones. */
export function withPacked(manifest: string, packed: ReadonlyMap<string, string>): string {
  const given = JSON.parse(manifest) as { devDependencies: Record<string, string> };
  const ours = Object.fromEntries([...packed].map(([name, path]) => [name, `file:${path}`]));
  return JSON.stringify({ ...given, devDependencies: { ...given.devDependencies, ...ours } });
}
