import assert from "node:assert/strict";
import { test } from "node:test";
import type { QueryStorage } from "@etcd-adapter/core/storage";
import fc from "fast-check";
import { TestBackend } from "./backend.js";
import { del, type Operation, put } from "./draft.js";
import { expectChanges, expectRange, expectState } from "./expect.js";
import { rejectsWith } from "./reading.js";
import { Scene, type Subject } from "./scene.js";

/** KIT_RUNS sequences of commands; KIT_SEED repeats a failed run, whose seed fast-check prints. */
const RUNS = Number(process.env.KIT_RUNS ?? 25);
const SEED = process.env.KIT_SEED === undefined ? {} : { seed: Number(process.env.KIT_SEED) };

const KEYS = ["\x00", "a", "a\x00", "aa", "b", "\xff"];

interface World extends Scene {
  adapters: QueryStorage[];
}

type Command = (world: World) => Promise<void>;

const key = fc.constantFrom(...KEYS);
const bound = fc.constantFrom("", ...KEYS).map((text) => Buffer.from(text, "latin1"));
const interval = fc.record({ start: bound, end: fc.option(bound) });
const fraction = fc.double({ min: 0, max: 1, noNaN: true });

const operation = fc.record({
  key,
  remove: fc.boolean(),
  value: fc.string({ maxLength: 5 }),
  lease: fc.bigInt(0n, 2n),
});
const revision = fc.uniqueArray(operation, { selector: (one) => one.key, minLength: 1, maxLength: 4 });
/** Before each of up to three revisions, and behind them. */
const gaps = fc.array(fc.bigInt(0n, 3n), { minLength: 4, maxLength: 4 });
const registry = fc.dictionary(fc.constantFrom("r", "s", "t"), fc.option(fc.string({ maxLength: 3 })), {
  noNullPrototype: true,
});

const commands: fc.Arbitrary<Command>[] = [
  fc
    .record({ revisions: fc.array(revision, { maxLength: 4 }), registry, by: fc.nat() })
    .map(({ revisions, registry, by }) => async (world) => {
      const storage = await adapter(world, by);
      await world.commit({ revisions: feasible(world, revisions), registry }, storage);
    }),
  fc
    .record({ revisions: fc.array(revision, { maxLength: 3 }), gaps, by: fc.nat() })
    .map(({ revisions, gaps, by }) => async (world) => {
      const storage = await adapter(world, by);
      const compacted = lastLeftOut(world, revisions.length, gaps);
      await world.commit({ revisions: feasible(world, revisions), gaps, compacted }, storage);
    }),
  fc.record({ at: fraction, by: fc.nat() }).map(({ at, by }) => async (world) => {
    const { revision, compacted } = world.model.head;
    await world.commit({ compacted: compacted + within(at, revision - compacted) }, await adapter(world, by));
  }),
  fc
    .record({ limit: fc.integer({ min: 1, max: 10 }), by: fc.nat() })
    .map(({ limit, by }) => async (world) => {
      await (await adapter(world, by)).prune(limit);
    }),
  fc
    .record({
      interval,
      at: fraction,
      limit: fc.nat(4),
      count: fc.boolean(),
      descending: fc.boolean(),
      by: fc.nat(),
    })
    .map(({ at, by, ...query }) => async (world) => {
      await expectRange(await adapter(world, by), world.model, { ...query, revision: readable(world, at) });
    }),
  fc
    .record({
      interval: fc.option(interval),
      at: fraction,
      limit: fc.integer({ min: 1, max: 6 }),
      by: fc.nat(),
    })
    .map(({ interval, at, limit, by }) => async (world) => {
      const after = within(at, world.model.head.revision);
      await expectChanges(await adapter(world, by), world.model, { interval, after, limit });
    }),
  fc.record({ by: fc.nat() }).map(({ by }) => async (world) => {
    const storage = await adapter(world, by);
    const last = world.model.commits.at(-1);
    if (last) await rejectsWith("conflict", storage.commit(last));
    await expectState(storage, world.model);
  }),
  fc.record({ by: fc.nat() }).map(({ by }) => async (world) => {
    if (world.model.commits.length === 0 || !world.backend.keepsData) return;
    const index = by % world.adapters.length;
    await world.adapters[index]!.close();
    world.adapters[index] = await world.backend.open();
    await expectState(world.adapters[index]!, world.model);
  }),
];

export function propertyTests<Options>({ plugin, backend }: Subject<Options>): void {
  test("any sequence of calls answers as the model does", { timeout: 3_600_000 }, async (t) => {
    const sequences = fc.array(fc.oneof(...commands), { minLength: 5, maxLength: 40, size: "max" });
    const property = fc.asyncProperty(sequences, async (sequence) => {
      const own = await TestBackend.create(plugin, backend);
      try {
        const storage = await own.open();
        const scene = new Scene(t, own as TestBackend, storage);
        const adapters = storage.shared ? [storage, await own.open()] : [storage];
        const world: World = Object.assign(scene, { adapters });
        for (const command of sequence) await command(world);
        for (const one of world.adapters) {
          assert.deepEqual(await one.head(), world.model.head);
          await world.prune(3, one);
          await expectState(one, world.model, { pruned: true });
        }
      } finally {
        await own.dispose();
      }
    });
    await fc.assert(property, { numRuns: RUNS, ...SEED });
  });
}

/** The adapter that a command goes through, which knows the newest head: else a commit would rightly conflict. */
async function adapter(world: World, by: number): Promise<QueryStorage> {
  const storage = world.adapters[by % world.adapters.length]!;
  assert.deepEqual(await storage.head(), world.model.head);
  return storage;
}

/** Operations as drawn, but a deletion of what is not there becomes a put. */
function feasible(
  { model }: World,
  drawn: readonly (readonly { key: string; remove: boolean; value: string; lease: bigint }[])[],
): Operation[][] {
  const live = new Set(
    model
      .range({ start: Buffer.alloc(0), end: null }, model.head.revision)
      .map(({ key }) => key.toString("latin1")),
  );
  return drawn.map((operations) =>
    operations.map(({ key, remove, value, lease }) => {
      if (remove && live.delete(key)) return del(key);
      live.add(key);
      return put(key, value, { lease });
    }),
  );
}

/** The newest revision that a commit of so many leaves out, or what is compacted already. */
function lastLeftOut({ model }: World, revisions: number, gaps: readonly bigint[]): bigint {
  let { revision, compacted } = model.head;
  for (const gap of gaps.slice(0, revisions + 1)) {
    revision += gap;
    if (gap > 0n) compacted = revision;
    revision++;
  }
  return compacted;
}

function readable({ model }: World, at: number): bigint {
  const { revision, compacted } = model.head;
  const lowest = compacted < 1n ? 0n : compacted;
  return at > 0.6 ? 0n : lowest + within(at / 0.6, revision - lowest);
}

function within(at: number, size: bigint): bigint {
  return BigInt(Math.floor(at * Number(size)));
}
