import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { isRequired } from "@etcd-adapter/test/dist/servers/index.js";
import { chosen } from "./bench.js";
import { spreadOf } from "./figures.js";
import { shortNumber, shortRatio } from "./format.js";
import { growthSubjects, measureGrowth } from "./growth.js";
import { growthPlot } from "./growth-plot.js";
import { buildLoad } from "./load.js";
import { measureCohort } from "./measure.js";
import { parseOptions } from "./options.js";
import { hottest } from "./profile.js";
import { publish } from "./publish.js";
import { ratioOf } from "./ratios.js";
import { report } from "./report.js";
import { scenarios } from "./scenarios.js";
import { adapter, etcd } from "./subjects.js";

test("figures: medians, spreads, ratios round by round", () => {
  assert.deepEqual(spreadOf([3, 1, 2]), { median: 2, least: 1, most: 3 });
  assert.deepEqual(spreadOf([4, 2]), { median: 3, least: 2, most: 4 });
  assert.equal(spreadOf([]), undefined);
  assert.equal(shortRatio({ median: 1.234, least: 0.9, most: 12.34 }), "1.23 × (0.90–12.3)");
  assert.deepEqual([0, 0.0123, 1.239, 1234.5, 1_234_567].map(shortNumber), [
    "0",
    "0.012",
    "1.24",
    "1,230",
    "1,230,000",
  ]);
  const sample = (subject: string, round: number, perSecond: number) => ({
    ...{ scenario: "get", subject, round, figures: { perSecond } },
    cpu: { subject: 0, server: 0, load: 0 },
  });
  const cohort = {
    ...{ title: "", subjects: ["etcd", "a"], failures: [], leftOut: [] },
    // the rounds come in any order, and one has no counterpart
    samples: [
      sample("a", 1, 30),
      sample("etcd", 0, 10),
      sample("a", 0, 5),
      sample("etcd", 1, 10),
      sample("a", 2, 9),
    ],
  };
  assert.deepEqual(ratioOf(cohort, "get", "perSecond", "a", "etcd"), { median: 1.75, least: 0.5, most: 3 });
});

test("filters choose storages by name and scenarios by part of their names; another word is an error", () => {
  assert.equal(chosen([]).scenarios.length, scenarios.length);
  const some = chosen(["gateway", "sqlite"]);
  assert.deepEqual(some.storages, ["sqlite"]);
  assert.equal(some.growth, false);
  assert.ok(some.scenarios.length > 1 && some.scenarios.every(({ name }) => name.includes("gateway")));
  assert.equal(chosen(["growth"]).scenarios.length, 0);
  assert.throws(() => chosen(["gatway"]), /gatway is part of no scenario/);
  assert.throws(() => parseOptions(["--rounds", "none"]), /--rounds/);
});

test("the report goes between a file's markers, or is the file", async () => {
  const folder = await mkdtemp(join(tmpdir(), "etcd-adapter-bench-"));
  try {
    const file = join(folder, "report.md");
    await publish(file, "first");
    assert.equal(await readFile(file, "utf8"), "first\n");
    await writeFile(file, "above\n<!-- bench: begin -->\nold\n<!-- bench: end -->\nbelow\n");
    await publish(file, "new");
    const whole = await readFile(file, "utf8");
    assert.match(whole, /^above\n<!-- bench: begin -->\n\nnew\n\n<!-- bench: end -->\nbelow\n$/);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test("a profile's functions are told apart by where they stand, and idle time is left out", async () => {
  const folder = await mkdtemp(join(tmpdir(), "etcd-adapter-bench-"));
  const node = (id: number, functionName: string, url = "", lineNumber = -1) => ({
    id,
    callFrame: { functionName, url, lineNumber },
  });
  try {
    const nodes = [node(1, "(idle)"), node(2, "run", "file:///x/core/dist/a.js", 4), node(3, "(program)")];
    const profile = { nodes, samples: [1, 2, 3, 2], timeDeltas: [90, 5, 2, 1] };
    await writeFile(join(folder, "thread.cpuprofile"), JSON.stringify(profile));
    const expected = [
      { name: "run core/dist/a.js:5", share: 0.75 },
      { name: "(program)", share: 0.25 },
    ];
    assert.deepEqual(await hottest(folder), expected);
  } finally {
    await rm(folder, { recursive: true });
  }
});

if (isRequired("etcd")) {
  const subjects = [etcd, adapter("memory", "own"), adapter("sqlite", "own")];
  const say = () => {};
  // ten times the streams for the same code
  const short = scenarios.filter(({ name }) => name !== "watch-10000");

  describe("a short bench of etcd, memory and SQLite", () => {
    test("the scenarios get right answers from all of them, and the report has their figures", async () => {
      const load = await buildLoad();
      const cohort = await measureCohort({ title: "all", onServer: false, subjects }, short, load, {
        ...{ rounds: 1, seconds: 0.2, keys: 2_000, profiles: undefined, say },
      });
      assert.deepEqual(cohort.failures, []);
      assert.deepEqual(cohort.leftOut, []);
      assert.equal(cohort.samples.length, short.length * subjects.length);
      for (const { scenario, subject, figures, cpu } of cohort.samples) {
        for (const { key } of scenarios.find(({ name }) => name === scenario)!.figures) {
          // of 64 that swap one key a moment may see none
          const least = key === "swapsPerSecond" ? 0 : Number.MIN_VALUE;
          assert.ok(figures[key]! >= least, `${subject}, ${scenario}: ${key} is ${figures[key]}`);
        }
        assert.ok(cpu.load > 0, `${subject}, ${scenario}: the load generator used no CPU`);
      }
      const text = report(
        { machine: "here", cohorts: [cohort], growth: undefined },
        parseOptions([]),
        undefined,
      );
      assert.match(text, /\| sqlite, Put, 64 in flight \(8 × 8\) \| ≥ 1 × etcd \| [\d.]+ × \| [✓✗] \|/);
      assert.match(text, /\| 1,000 watchers, put to event, p99, less is better \| [\d.,]+ ms \|/);
    });

    test("growth keeps the keys, starts again with them, and is plotted", async () => {
      const plans = growthSubjects.filter(({ storage }) => storage !== "postgres");
      const options = { rounds: 1, seconds: 0.2, sizes: [1_000, 2_000], say };
      const growth = await measureGrowth(plans, await buildLoad(), options);
      assert.deepEqual(growth.failures, []);
      assert.equal(growth.points.length, 2 * plans.length);
      assert.deepEqual(growth.restarts.map(({ subject }) => subject).sort(), ["etcd", "sqlite own"]);
      const svg = growthPlot(growth);
      assert.match(svg, /^<svg [^>]*>[\s\S]*<\/svg>\n$/);
      assert.equal(svg.match(/<circle /g)?.length, 4 * 2 * plans.length);
      assert.doesNotMatch(svg, /NaN|Infinity|undefined/);
    });

    test("a server that answers wrongly has no speed", async () => {
      const load = await buildLoad();
      const unfilled = scenarios
        .filter(({ name }) => name === "get")
        .map((get) => ({ ...get, filled: false }));
      const cohort = await measureCohort(
        { title: "empty", onServer: false, subjects: [adapter("memory", "own")] },
        unfilled,
        load,
        { rounds: 1, seconds: 0.2, keys: 1_000, profiles: undefined, say },
      );
      assert.deepEqual(cohort.samples, []);
      assert.match(cohort.failures[0]!.message, /0 key-values for \/list\//);
    });
  });
}
