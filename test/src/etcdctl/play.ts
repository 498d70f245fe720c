import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { type StorageBackend, storageBackends } from "../adapter/backends.js";
import { isRequired } from "../servers/index.js";
import { KNOWN_DIFFERENCES } from "./known-differences.js";
import { Place } from "./place.js";
import { FORMATS, type Scenario } from "./step.js";
import { subcommands } from "./subcommands.js";

/** The command that a line runs: of "--user=u:p lease grant 5" it is "lease grant". */
export function commandOf(run: string, commands: readonly string[]): string | undefined {
  const line = run.replace(/^(--\S+ )*/, "");
  return commands.find((command) => line === command || line.startsWith(`${command} `));
}

/** Registers the tests of these scenarios. Call it at a test file's top level. */
export async function playScenarios(...scenarios: readonly Scenario[]): Promise<void> {
  if (!isRequired("etcd")) return;
  const commands = await subcommands();
  // What is compared here does not depend on the storage; etcdctl.test.ts goes through all of them.
  const backends = storageBackends();
  const backend = backends.find(({ durable }) => durable) ?? backends[0];
  if (backend) for (const scenario of scenarios) playOn(backend, scenario, commands);
}

function isKnown(run: string, format: string): boolean {
  return KNOWN_DIFFERENCES.some((known) => known.run === run && (known.formats?.includes(format) ?? true));
}

function playOn(backend: StorageBackend, scenario: Scenario, commands: readonly string[]): void {
  describe(`${scenario.name} on ${backend.name}`, () => {
    let places: readonly [etcd: Place, adapter: Place];

    before(async () => {
      places = await Promise.all([Place.etcd(scenario), Place.adapter(scenario, () => backend.fresh())]);
    });
    after(() => Promise.all(places.map((place) => place.end())));

    for (const step of scenario.steps) {
      const command = commandOf(step.run, commands) ?? "";
      for (const format of step.formats ?? FORMATS) {
        test(format === "as is" ? step.run : `${step.run} (${format})`, async () => {
          const [etcd, adapter] = await Promise.all(places.map((place) => place.play(command, step, format)));
          if (isKnown(step.run, format)) assert.notDeepEqual(adapter, etcd);
          else assert.deepEqual(adapter, etcd);
        });
      }
    }
  });
}
