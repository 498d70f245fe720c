/**
 * etcd's own end-to-end tests with the adapter in etcd's place:
 *
 *     node test/dist/etcd-e2e/cli.js [PATTERN]
 *
 * Not among `npm test`, because it takes minutes and etcd's fixed ports 20000 and up. Many of these tests have 10
 * seconds, the start of three servers included: on a busy machine they need a second try, which is told.
 */
import { spawn } from "node:child_process";
import { join } from "node:path";
import { built, moduleFolder, startConsul } from "../servers/index.js";
import { EXCLUDED } from "./excluded.js";
import { standIn } from "./stand-in.js";

/** `--- PASS: TestKVPut/NoTLS (1.23s)` */
const OUTCOME = /^\s*--- (PASS|FAIL|SKIP): (\S+) \(/gm;
const TRIES = 3;

const [pattern = "."] = process.argv.slice(2);
const { "common.test": tests } = await built("etcd-e2e");
// They read certificates that lie beside their source.
const cwd = join(await moduleFolder("etcd-e2e"), "common");
const consul = await startConsul();
const skip = EXCLUDED.flatMap(({ subtests }) => subtests ?? []).join("|");
const leftOut = new Set(EXCLUDED.flatMap(({ tests: whole }) => whole ?? []));

function run(args: readonly string[]): Promise<string> {
  const child = spawn(tests, args, { cwd, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk: Buffer) => {
      output += chunk.toString();
    });
  }
  return new Promise((resolve, reject) => child.on("error", reject).on("close", () => resolve(output)));
}

interface Attempt {
  /** Tests and sub-tests. */
  readonly passed: number;
  /** By etcd's own tests. */
  readonly skipped: number;
  readonly failed: readonly string[];
  readonly output: string;
}

/** After a failure etcd's framework skips what comes, so each test has a run of its own. */
async function attempt(name: string): Promise<Attempt> {
  const programs = await standIn(await consul.freshPrefix());
  const which = ["-test.run", `^${name}$`, "-test.skip", skip];
  const output = await run(["-test.v", ...which, "-test.timeout", "10m", "-bin-dir", programs]);
  const outcomes = [...output.matchAll(OUTCOME)];
  const named = (wanted: string) =>
    outcomes.filter(([, outcome]) => outcome === wanted).map(([, , test]) => test!);
  const failed = named("FAIL");
  if (outcomes.length === 0 || output.includes("panic:")) failed.push(name);
  return { passed: named("PASS").length, skipped: named("SKIP").length, failed, output };
}

const listed = (await run(["-test.list", pattern])).split("\n").filter((line) => line.startsWith("Test"));
const failures: string[] = [];
const again: string[] = [];
let passed = 0;
let skipped = 0;
for (const name of listed.filter((each) => !leftOut.has(each))) {
  let result = await attempt(name);
  for (let tries = 1; result.failed.length > 0 && tries < TRIES; tries++) {
    if (tries === 1) again.push(name);
    result = await attempt(name);
  }
  passed += result.passed;
  skipped += result.skipped;
  failures.push(...result.failed);
  if (result.failed.length === 0) console.log(`${result.passed > 0 ? "PASS" : "SKIP"} ${name}`);
  else console.log(`FAIL ${result.failed.join(" ")}\n${result.output.replace(/^.*\bINFO\b.*\n/gm, "")}`);
}
await consul.discard();
console.log(
  `${passed} tests and sub-tests passed, ${failures.length} failed, ${skipped} skipped by etcd itself`,
);
if (again.length > 0) console.log(`tried again: ${again.join(" ")}`);
for (const { tests: whole = [], subtests = [], why } of EXCLUDED) {
  console.log(`left out: ${[whole, subtests].flat().join(" ")}: ${why}`);
}
process.exitCode = failures.length > 0 || passed === 0 ? 1 : 0;
