import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import fc from "fast-check";
import { type StorageBackend, storageBackends } from "../adapter/backends.js";
import { startAdapterProcess } from "../adapter/start.js";
import { temporaryFolder } from "../servers/folders.js";
import { isRequired, startEtcd } from "../servers/index.js";
import { AuthPlayer } from "./auth-player.js";
import { type AuthStep, authStep, PRELUDE } from "./auth-steps.js";

/**
 * Steps are played on fresh servers, a run at a time; set these for a soak. ETCD_ADAPTER_SHRINK=1 looks for the
 * shortest run that fails, which takes many minutes.
 */
const RUNS = Number(process.env.ETCD_ADAPTER_DIFFERENTIAL_RUNS ?? 6);
const STEPS = Number(process.env.ETCD_ADAPTER_DIFFERENTIAL_STEPS ?? 200);

/** The cheapest hashes: what is compared does not depend on them. */
const CHEAP = "--bcrypt-cost=4";

/** Most runs start with access control on: by chance alone it seldom comes to that. */
const scene = fc.record({
  prelude: fc.constantFrom(true, true, true, false),
  steps: fc.array(authStep, { minLength: STEPS / 2, maxLength: STEPS, size: "max" }),
});

async function compare(
  steps: readonly AuthStep[],
  backend: StorageBackend,
  args: readonly string[],
): Promise<void> {
  const [reference, adapter] = await Promise.all([
    startEtcd({ args }),
    backend.fresh().then((storage) => startAdapterProcess(storage, { args })),
  ]);
  const theirs = new AuthPlayer(`${reference.host}:${reference.port}`);
  const ours = new AuthPlayer(adapter.address);
  try {
    for (const [index, step] of steps.entries()) {
      const [expected, actual] = await Promise.all([theirs.play(step), ours.play(step)]);
      assert.deepEqual(actual, expected, `step ${index}: ${show(step)}`);
    }
  } finally {
    theirs.close();
    ours.close();
    await Promise.all([reference.discard(), adapter.discard()]);
  }
}

function show(value: unknown): string {
  return JSON.stringify(value, (_name, inner) => {
    if (typeof inner === "bigint") return inner.toString();
    return inner?.type === "Buffer" ? Buffer.from(inner.data).toString("latin1") : inner;
  });
}

function jwtArgument(): string {
  const folder = temporaryFolder("jwt");
  const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  writeFileSync(join(folder, "key"), privateKey.export({ type: "pkcs8", format: "pem" }));
  writeFileSync(join(folder, "pub"), publicKey.export({ type: "spki", format: "pem" }));
  return `--auth-token=jwt,sign-method=RS256,pub-key=${join(folder, "pub")},priv-key=${join(folder, "key")},ttl=5m`;
}

if (isRequired("etcd")) {
  const kinds = { simple: [CHEAP], jwt: [CHEAP, jwtArgument()] };
  // Rights are above the seam: one storage of each kind is enough.
  for (const backend of storageBackends().filter(({ name }) =>
    ["memory", "sqlite", "postgres"].includes(name),
  )) {
    describe(`same access control as etcd, on ${backend.name}`, () => {
      const seed = Number(process.env.ETCD_ADAPTER_SEED ?? Date.now() % 1_000_000_000);

      for (const [kind, args] of Object.entries(kinds)) {
        test(`random users, roles, permissions and uses of them, ${kind} tokens; seed ${seed}`, async () => {
          await fc.assert(
            fc.asyncProperty(scene, ({ prelude, steps }) =>
              compare(prelude ? [...PRELUDE, ...steps] : steps, backend, args),
            ),
            { numRuns: RUNS, seed, endOnFailure: !process.env.ETCD_ADAPTER_SHRINK },
          );
        });
      }
    });
  }
}
