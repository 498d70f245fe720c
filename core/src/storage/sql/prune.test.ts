import assert from "node:assert/strict";
import { test } from "node:test";
import type { LogPosition, PruneState, PruneStep, SqlDriver } from "./driver.js";
import { pruneBatch } from "./prune.js";

/** Only what a prune asks for: a log with one row in each of the revisions 2 to 100. */
class PrunedLog implements Pick<SqlDriver, "pruneState" | "positionAt" | "prune"> {
  readonly steps: PruneStep[] = [];

  constructor(private state: PruneState) {}

  async pruneState(): Promise<PruneState> {
    return this.state;
  }

  async positionAt(after: LogPosition, through: bigint, limit: number): Promise<LogPosition | undefined> {
    const first = after.sub < 0 ? after.revision : after.revision + 1n;
    const revision = (first < 2n ? 2n : first) + BigInt(limit) - 1n;
    return revision <= through ? { revision, sub: 0 } : undefined;
  }

  async prune(step: PruneStep): Promise<void> {
    this.steps.push(step);
    this.state = { ...this.state, pruned: step.pruned, floor: step.sequences.through };
  }
}

function log(head: { sequence?: bigint; compacted: bigint }, floor = 0n): PrunedLog {
  const { sequence = 100n, compacted } = head;
  return new PrunedLog({
    head: { sequence, revision: 100n, compacted },
    floor,
    pruned: { revision: 0n, sub: -1 },
  });
}

const pruneAll = async (driver: PrunedLog, limit: number) => {
  while (await pruneBatch(driver as Partial<SqlDriver> as SqlDriver, limit));
};

test("nothing is written when nothing is to be pruned", async () => {
  const driver = log({ compacted: -1n });
  await pruneAll(driver, 10);
  assert.deepEqual(driver.steps, []);
});

test("the log is walked once, in batches, and again only from the compacted revision on", async () => {
  const driver = log({ compacted: 25n });
  await pruneAll(driver, 10);
  assert.deepEqual(
    driver.steps.map(({ window }) => window!.through.revision),
    [11n, 21n, 25n],
  );
  assert.deepEqual(driver.steps.at(-1)?.pruned, { revision: 25n, sub: -1 });
  await pruneAll(driver, 10);
  assert.equal(driver.steps.length, 3);
});

test("old commit ids and registry removals go in batches, compaction or not", async () => {
  const driver = log({ sequence: 10_025n, compacted: -1n }, 3n);
  await pruneAll(driver, 10);
  assert.deepEqual(
    driver.steps.map(({ window, sequences }) => [window, sequences.after, sequences.through]),
    [
      [undefined, 3n, 13n],
      [undefined, 13n, 23n],
      [undefined, 23n, 25n],
    ],
  );
});
