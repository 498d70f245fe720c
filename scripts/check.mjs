/** `npm run check`: format, lint, types, import directions, dead code, generated code. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { prepare, root, run } from "./prepare.mjs";

prepare();
// buf looks for its plugin there; npm puts it on the path, a plain `node scripts/check.mjs` does not.
process.env.PATH = `${join(root, "node_modules", ".bin")}${delimiter}${process.env.PATH}`;
const bin = (name) => join(root, "node_modules", ".bin", name);
const step = (title, command, args) => {
  console.error(`— ${title}`);
  run(command, args);
};

step("format and lint", bin("biome"), ["check", "--error-on-warnings", "."]);
step("import directions", bin("depcruise"), [
  "--config",
  ".dependency-cruiser.cjs",
  "core/dist",
  "core/transport/dist",
  "plugins",
  "test/dist",
  "test/kit/dist",
  "bench/dist",
]);
step("dead code", bin("knip"), []);

console.error("— generated code is what proto/ says");
const folder = mkdtempSync(join(tmpdir(), "etcd-adapter-gen-"));
try {
  const template = readFileSync(join(root, "proto", "buf.gen.yaml"), "utf8").replace(
    /out: .*/,
    `out: ${folder}`,
  );
  writeFileSync(join(folder, "buf.gen.yaml"), template.replace(/^clean:.*\n/m, ""));
  run(bin("buf"), ["generate", "proto", "--template", join(folder, "buf.gen.yaml")]);
  rmSync(join(folder, "buf.gen.yaml"));
  const diff = spawnSync("diff", ["-r", folder, join(root, "core", "src", "gen")], { encoding: "utf8" });
  if (diff.status !== 0) {
    console.error(
      `${diff.stdout}\ncore/src/gen differs from proto/: run "npm run generate" and commit the result.`,
    );
    process.exit(1);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
console.error("All checks passed.");
