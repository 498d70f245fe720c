/**
 * `npm test [-- FILTER …]`: every test that can run here. Real servers join in when
 * ETCD_ADAPTER_TEST_BACKENDS names them (or `all`); the closing line says which were left out.
 */
import { spawn } from "node:child_process";
import { readdirSync } from "node:fs";
import { join, relative } from "node:path";
import { pathToFileURL } from "node:url";
import { prepare, root } from "./prepare.mjs";

const filters = process.argv.slice(2);

function testFiles(folder) {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".test.js"))
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name));
}

prepare();
const packages = [
  "core",
  "core/transport",
  ...readdirSync(join(root, "plugins")).map((name) => join("plugins", name)),
  "test/kit",
  "test",
  "bench",
];
const files = packages
  .flatMap((name) => testFiles(join(root, name, "dist")))
  .filter((file) => filters.length === 0 || filters.some((filter) => relative(root, file).includes(filter)))
  .sort();
console.error(`${files.length} test files`);

// A person who runs a few files reads each test's name; a long run prints what failed.
const short = pathToFileURL(join(root, "scripts", "test-reporter.mjs")).href;
const reporters = [
  `--test-reporter=${files.length > 5 ? short : "spec"}`,
  "--test-reporter-destination=stdout",
];
const child = spawn(
  process.execPath,
  ["--test", "--test-concurrency=2", "--test-timeout=1500000", ...reporters, ...files],
  { cwd: root, stdio: "inherit", env: { ...process.env, ETCD_ADAPTER_TEST_FILES: String(files.length) } },
);
child.on("exit", async (code, signal) => {
  const available = join(root, "test", "dist", "servers", "available.js");
  const { leftOutLine } = await import(pathToFileURL(available).href);
  const line = leftOutLine?.();
  if (line) console.log(line);
  process.exit(code ?? (signal ? 1 : 0));
});
