/**
 * `npm test [-- FILTER …]`: every test that can run here. Real servers join in when
 * ETCD_ADAPTER_TEST_BACKENDS names them (or `all`); the closing line says which were left out. Up to
 * ETCD_ADAPTER_TEST_AGAIN files that failed are run once more, one at a time, and named as unsteady if they pass.
 */
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
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

/** Resolves with the exit code, and the files that failed if the short reporter was there to see. */
function runTests(files, concurrency, reporter) {
  const folder = mkdtempSync(join(tmpdir(), "etcd-adapter-test-"));
  const failed = join(folder, "failed");
  const child = spawn(
    process.execPath,
    [
      "--test",
      `--test-concurrency=${concurrency}`,
      "--test-timeout=1500000",
      `--test-reporter=${reporter}`,
      "--test-reporter-destination=stdout",
      ...files,
    ],
    {
      cwd: root,
      stdio: "inherit",
      env: {
        ...process.env,
        ETCD_ADAPTER_TEST_FILES: String(files.length),
        ETCD_ADAPTER_TEST_FAILED: failed,
      },
    },
  );
  return new Promise((resolve) => {
    child.on("exit", (code, signal) => {
      const names = existsSync(failed) ? readFileSync(failed, "utf8").split("\n").filter(Boolean) : [];
      rmSync(folder, { recursive: true });
      resolve({ code: code ?? (signal ? 1 : 0), failed: names });
    });
  });
}

let { code, failed } = await runTests(files, 2, files.length > 5 ? short : "spec");
// Where the whole suite shares two cores with seven servers, a wait may be too short. What is wrong fails again, alone.
const again = Number(process.env.ETCD_ADAPTER_TEST_AGAIN ?? 0);
if (code !== 0 && failed.length > 0 && failed.length <= again) {
  const names = failed.map((file) => relative(root, file)).join(", ");
  console.log(`— failed beside others, now alone: ${names}`);
  ({ code } = await runTests(failed, 1, short));
  if (code === 0) console.log(`Unsteady, failed beside others and passed alone: ${names}`);
}
const available = join(root, "test", "dist", "servers", "available.js");
const { leftOutLine } = await import(pathToFileURL(available).href);
const line = leftOutLine?.();
if (line) console.log(line);
process.exit(code);
