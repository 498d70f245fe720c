import assert from "node:assert/strict";
import { test } from "node:test";
import { isRequired } from "../servers/index.js";
import { KNOWN_DIFFERENCES } from "./known-differences.js";
import { commandOf } from "./play.js";
import { SCENARIOS } from "./steps/index.js";
import { subcommands } from "./subcommands.js";

if (isRequired("etcd")) {
  test("each command of etcdctl is run in some scenario", async () => {
    const commands = await subcommands();
    const run = new Set(SCENARIOS.flatMap(({ steps }) => steps.map((step) => commandOf(step.run, commands))));
    assert.deepEqual(
      commands.filter((command) => !run.has(command)),
      [],
    );
    assert.ok(commands.length > 40, commands.join(", "));
  });

  test("each known difference is of a step", () => {
    const runs = SCENARIOS.flatMap(({ steps }) => steps.map(({ run }) => run));
    assert.deepEqual(
      KNOWN_DIFFERENCES.filter(({ run }) => !runs.includes(run)),
      [],
    );
  });
}
