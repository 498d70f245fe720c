import assert from "node:assert/strict";
import { test } from "node:test";
import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import type { StorageBackend } from "../adapter/backends.js";
import { startAdapterProcess } from "../adapter/start.js";
import { type EtcdServer, startEtcd, waitUntil } from "../servers/index.js";
import { endsEtcd } from "./ends-etcd.js";
import type { Json } from "./normalise.js";
import { Player } from "./player.js";
import { type Step, step } from "./steps.js";

/**
 * Steps are played on fresh servers, a run at a time; set these for a soak. ETCD_ADAPTER_SHRINK=1 looks for the
 * shortest run that fails, which takes many minutes.
 */
const RUNS = process.env.ETCD_ADAPTER_DIFFERENTIAL_RUNS;
const UNAVAILABLE = 14;
const STEPS = Number(process.env.ETCD_ADAPTER_DIFFERENTIAL_STEPS ?? 150);

/** Plays random steps on a real etcd and on an adapter over the backend. */
export function sameAnswers(backend: StorageBackend, runs: number): void {
  const seed = Number(process.env.ETCD_ADAPTER_SEED ?? Date.now() % 1_000_000_000);
  test(`random KV, Txn, Lease, Compact and Watch; seed ${seed}`, async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: STEPS / 2, maxLength: STEPS, size: "max" }),
        async (steps) => {
          const reference = await startEtcd();
          const adapter = await startAdapterProcess(await backend.fresh());
          try {
            await compare(steps, reference, adapter.address);
          } finally {
            await Promise.all([reference.discard(), adapter.discard()]);
          }
        },
      ),
      { numRuns: Number(RUNS ?? runs), seed, endOnFailure: !process.env.ETCD_ADAPTER_SHRINK },
    );
  });
}

async function compare(steps: readonly Step[], reference: EtcdServer, address: string): Promise<void> {
  const theirs = new Player(`${reference.host}:${reference.port}`);
  const ours = new Player(address);
  try {
    for (const [index, one] of steps.entries()) {
      const [expected, actual] = await Promise.all([theirs.play(one), ours.play(one)]);
      if (endsEtcd(one) && (await hasEnded(reference, expected))) return;
      assert.deepEqual(actual, expected, `step ${index}: ${show(one)}`);
    }
    await sameWatchLogs(ours, theirs);
  } finally {
    theirs.close();
    ours.close();
  }
}

/** Its process ends a moment after its connections. */
async function hasEnded(reference: EtcdServer, answer: Json): Promise<boolean> {
  const isLost = isDeepStrictEqual(answer, { error: { code: UNAVAILABLE, message: "Connection dropped" } });
  if (isLost) await waitUntil(() => assert.ok(!reference.isRunning), { timeoutMs: 10_000 });
  return isLost;
}

/** Watches are compared when they have come to rest. */
async function sameWatchLogs(ours: Player, theirs: Player): Promise<void> {
  const deadline = Date.now() + 3_000;
  let quiet = 0;
  let last = "";
  while (Date.now() < deadline && quiet < 8) {
    await new Promise((resolve) => setTimeout(resolve, 25));
    const now = JSON.stringify([[...ours.watchLog()], [...theirs.watchLog()]]);
    quiet = now === last ? quiet + 1 : 0;
    last = now;
  }
  const actual = Object.fromEntries(ours.watchLog()) as Json;
  assert.deepEqual(actual, Object.fromEntries(theirs.watchLog()), "watch logs");
}

function show(value: unknown): string {
  return JSON.stringify(value, (_name, inner) => {
    if (typeof inner === "bigint") return inner.toString();
    return inner?.type === "Buffer" ? Buffer.from(inner.data).toString("latin1") : inner;
  });
}
