import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { isRequired, requiredBackends } from "../servers/index.js";
import { SmallDisk } from "../servers/small-disk.js";
import { victims } from "./backends.js";
import { Member } from "./fleet.js";
import { percentiles, putToWatch } from "./latency.js";
import { TARGETS, type Target } from "./nemesis.js";
import { errorsOf, latencies, shown, trial } from "./trial.js";

/** Seconds under faults, and what suffers. `npm run soak` does the same for longer. */
const setting = (name: string) => process.env[`ETCD_ADAPTER_HISTORIES_${name}`];
const SECONDS = Number(setting("SECONDS") ?? 8);
const CLIENTS = Number(setting("CLIENTS") ?? 12);
const SEED = Number(setting("SEED") ?? Date.now() % 2 ** 31);
/** Where no server is asked for, there may be no faketime either. */
const WITHOUT_PACKAGES: readonly Target[] = ["adapters", "pauses"];
const POSSIBLE = requiredBackends().length > 2 ? TARGETS : WITHOUT_PACKAGES;
const WANTED = setting("TARGETS")?.split(",") ?? POSSIBLE.filter((target) => target !== "disk");
const SAMPLES = 300;
const LATENCY_MS = 6_000;
/** The others, and clusters, are for a soak. */
const FULL_DISK = ["SQLite", "PostgreSQL", "MariaDB"];

for (const kind of victims()) {
  const adapters = Number(setting("ADAPTERS") ?? kind.adapters);
  const settings = {
    ...{
      seconds: SECONDS,
      seed: SEED,
      clients: CLIENTS,
      adapters,
      pauseMs: 10,
      spareFirst: false,
      restMs: [200, 1_000] as const,
    },
    porcupine: isRequired("etcd"),
  };
  describe(`${adapters} adapters on ${kind.name}`, { timeout: (SECONDS + 180) * 1_000 }, () => {
    const storms = [WANTED];
    if (SmallDisk.available && POSSIBLE.includes("disk") && FULL_DISK.includes(kind.name))
      storms.push(["disk"]);
    for (const wanted of storms)
      test(`a history of ${SECONDS} s of faults (${wanted}) is linearizable, gapless, and seen whole by all watchers`, async (t) => {
        const targets = kind.targets.filter((target) => wanted.includes(target));
        const done = await trial(kind, { ...settings, targets, tell: (line) => t.diagnostic(line) });
        for (const line of latencies(done.history)) t.diagnostic(line);
        const { answered, unknown, recovered, revisions, watchers, history, faults, porcupine } = done;
        t.diagnostic(
          `seed ${SEED}: ${answered} answered, ${unknown} unknown of which ${recovered} were made, ` +
            `${revisions} revisions, ${watchers} watchers with ${history.segments.length} streams, ` +
            `${history.leases.length} leases, ${history.compactions.length} compactions, ${faults.length} faults`,
        );
        if (porcupine) t.diagnostic(`porcupine: ${porcupine.result} in ${porcupine.seconds.toFixed(1)} s`);
        for (const [error, count] of errorsOf(history)) t.diagnostic(`${count} × ${error}`);
        for (const log of done.logs) t.diagnostic(log.replace(/^(.{300}).*$/gm, "$1 …"));
        const { problems } = done;
        const text = `seed ${SEED}: ${problems.length} problems\n${shown(problems)}\n${faults.join("\n")}`;
        assert.equal(problems.length, 0, text);
        assert.ok(answered > SECONDS * 3, "hardly anything was answered");
      });

    if (adapters > 1)
      test("a put through one adapter reaches a watcher on another", async (t) => {
        const victim = await kind.start();
        const members = await Promise.all([0, 1].map((index) => Member.start(index, victim.url)));
        const { event, answer } = await putToWatch(members[0]!, members[1]!, SAMPLES, LATENCY_MS);
        t.diagnostic(
          `${kind.name}, put to event on another adapter: ${percentiles(event)}; put to answer: ${percentiles(answer)}; ${event.length} samples`,
        );
        await Promise.all(members.map((member) => member.stop()));
        await victim.stop();
      });
  });
}
