import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const EXAMPLE = fileURLToPath(new URL("../../../examples/apisix", import.meta.url));

/** What `npm install --global etcd-adapter` puts on the path. */
export const PROGRAM = fileURLToPath(new URL("../../../distribution/bin/etcd-adapter.mjs", import.meta.url));

export function readExample(path: string): string {
  return readFileSync(join(EXAMPLE, path), "utf8");
}

/** The commands in a page's `sh` blocks, as words. */
export function shellCommands(page: string): string[][] {
  return [...readExample(page).matchAll(/^ *```sh\n([\s\S]*?)^ *```$/gm)].flatMap(([, block]) =>
    block!
      .trim()
      .split("\n")
      .map((line) => line.trim().split(/\s+/)),
  );
}
