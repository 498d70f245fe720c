import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { messageOf } from "@etcd-adapter/test/dist/servers/index.js";
import { bench, scenarioNames } from "./bench.js";
import { storages } from "./cohorts.js";
import { growthPlot } from "./growth-plot.js";
import { type BenchOptions, parseOptions, USAGE } from "./options.js";
import { hottest } from "./profile.js";
import { publish } from "./publish.js";
import { report } from "./report.js";

async function main(): Promise<void> {
  const options = parseOptions(process.argv.slice(2));
  if (options.show === "help") return console.log(USAGE);
  if (options.show === "list") return console.log([...scenarioNames, ...storages].join("\n"));
  const profiles = options.cpuProf
    ? await mkdtemp(join(tmpdir(), "etcd-adapter-bench-profiles-"))
    : undefined;
  try {
    await measureAndPrint(options, profiles);
  } finally {
    if (profiles !== undefined) await rm(profiles, { recursive: true });
  }
}

async function measureAndPrint(options: BenchOptions, profiles: string | undefined): Promise<void> {
  const begin = Date.now();
  const say = (line: string) => console.error(`${Math.round((Date.now() - begin) / 1000)} s  ${line}`);
  const result = await bench(options, { say, ...(profiles !== undefined && { profiles }) });
  const plotFile = options.out?.replace(/(\.md)?$/, "-growth.svg");
  if (result.growth && plotFile !== undefined) await writeFile(plotFile, growthPlot(result.growth));
  const text = report(result, options, plotFile && basename(plotFile));
  console.log(text);
  if (options.out !== undefined) await publish(options.out, text);
  if (options.json !== undefined) await writeFile(options.json, JSON.stringify(result, undefined, 2));
  if (profiles !== undefined) await printProfiles(profiles);
  // what kine answers wrongly is reported, and is no failure of this run
  const parts = [...result.cohorts, ...(result.growth ? [result.growth] : [])];
  const failures = parts
    .flatMap((part) => part.failures)
    .filter(({ subject }) => !subject.startsWith("kine "));
  if (failures.length > 0) process.exitCode = 1;
}

async function printProfiles(folder: string): Promise<void> {
  for (const subject of await readdir(folder)) {
    console.log(`\n${subject}, functions by their own time:`);
    for (const { name, share } of await hottest(join(folder, subject))) {
      console.log(`${(share * 100).toFixed(1).padStart(6)} %  ${name}`);
    }
  }
}

try {
  await main();
} catch (error) {
  console.error(messageOf(error));
  process.exitCode = 1;
}
