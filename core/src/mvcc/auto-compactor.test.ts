import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { pino } from "pino";
import { AutoCompactor, type Retention } from "./auto-compactor.js";

const MINUTE = 60_000;

/** The revisions compacted over some minutes in which the store's revision is the minute times ten. */
async function compactions(retention: Retention, minutes: number, isChosen = true): Promise<bigint[]> {
  mock.timers.enable({ apis: ["setInterval"] });
  try {
    let minute = 0;
    const done: bigint[] = [];
    const compactor = new AutoCompactor(
      retention,
      {
        revision: () => BigInt(minute * 10),
        compact: async (revision) => void done.push(revision),
        isChosen: () => isChosen,
      },
      pino({ level: "silent" }),
    );
    for (minute = 1; minute <= minutes; minute++) {
      mock.timers.tick(MINUTE);
      await Promise.resolve();
      await Promise.resolve();
    }
    compactor.close();
    return done;
  } finally {
    mock.timers.reset();
  }
}

test("periodic: nothing in the first period, then the revision of one period ago, once a period", async () => {
  assert.deepEqual(await compactions({ mode: "periodic", periodMs: 10 * MINUTE }, 35), [10n, 110n, 210n]);
});

test("periodic: a period of several hours is compacted hourly", async () => {
  const done = await compactions({ mode: "periodic", periodMs: 180 * MINUTE }, 310);
  assert.deepEqual(done, [60n, 660n, 1260n]);
});

test("revision: so many are kept, every five minutes", async () => {
  assert.deepEqual(await compactions({ mode: "revision", revisions: 60n }, 16), [40n, 90n]);
});

test("of many adapters only the chosen one compacts", async () => {
  assert.deepEqual(await compactions({ mode: "revision", revisions: 1n }, 20, false), []);
});
