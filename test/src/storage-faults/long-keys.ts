import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, before, describe, it } from "node:test";
import type { Interval, QueryStorage } from "@etcd-adapter/core/storage";
import type { SqlServer } from "../servers/index.js";
import { type FaultSubject, openStorage } from "./subject.js";

/** Longer than what any database's index holds of a key. */
const COMMON = Buffer.alloc(3_000, "k");
/** Between a bound's two parts, and at both ends. */
const TAILS = ["", "\x00", "\x00\x00", "a", "a\x00", "aa", "ab", "b", "\x7f", "\x80", "\xff", "\xff\xff"];
const GROUP_KEYS = 150;

interface Live {
  readonly key: Buffer;
  readonly field: Buffer;
}

/** Keys that differ only behind what an index holds of them are in order, and found, all the same. */
export function longKeys<Options>({ name, plugin, start }: FaultSubject<Options>): void {
  describe(`${name}, long keys`, { timeout: 300_000 }, () => {
    let server: SqlServer;
    before(async () => {
      server = await start();
    });
    after(() => server?.[Symbol.asyncDispose]());

    it("come in order, by any interval, in pages, and at old revisions", async () => {
      const storage = await openStorage(plugin, await server.freshDatabase());
      const short = ["a", "k".repeat(2_399), "k".repeat(2_400), "k".repeat(2_401), "l"].map((key) =>
        Buffer.from(key),
      );
      const long = TAILS.map((tail) => Buffer.concat([COMMON, Buffer.from(tail, "latin1")]));
      const group = Array.from({ length: GROUP_KEYS }, () => Buffer.concat([COMMON, randomBytes(5)]));
      const keys = [...short, ...long, ...group];
      await write(storage, keys, false);
      const first = keys.map((key) => ({ key, field: fieldOf(key, 1n) })).sort(byKey);
      await write(
        storage,
        keys.filter((_, n) => n % 2 === 0),
        true,
      );
      const second = first.filter(({ key }) => keys.indexOf(key) % 2 !== 0);

      const bounds = [...short, ...long, Buffer.alloc(0), Buffer.concat([COMMON, Buffer.from("zz")])];
      for (const [index, from] of bounds.entries()) {
        const to = bounds[(index * 7 + 3) % bounds.length]!;
        for (const end of [to, null]) {
          const descending = index % 2 === 0;
          await expectKeys(storage, { start: from, end }, descending, 0n, second);
          await expectKeys(storage, { start: from, end }, !descending, 2n, first);
        }
      }
      const { fields } = await storage.get({ keys, revision: 0n, linearizable: true });
      assert.deepEqual(
        fields.map((field) => field !== undefined),
        keys.map((_, n) => n % 2 !== 0),
      );
      const { keys: leased } = await storage.leaseKeys(1n);
      assert.deepEqual(
        leased,
        second.map(({ key }) => key),
      );
      await storage.close();
    });
  });
}

async function write(storage: QueryStorage, keys: readonly Buffer[], deleted: boolean): Promise<void> {
  const base = await storage.head();
  const revision = base.revision + 1n;
  const changes = keys.map((key) => ({
    key,
    field: fieldOf(key, base.revision),
    deleted,
    previous: deleted ? base.revision : 0n,
    lease: deleted ? 0n : 1n,
  }));
  const head = { ...base, sequence: base.sequence + 1n, revision };
  await storage.commit({ id: randomBytes(16), base, head, revisions: [{ revision, changes }], registry: [] });
}

function fieldOf(key: Buffer, revision: bigint): Buffer {
  return Buffer.concat([Buffer.from(`<${revision} `), key.subarray(-8), Buffer.from(`${key.length}>`)]);
}

async function expectKeys(
  storage: QueryStorage,
  { start, end }: Interval,
  descending: boolean,
  revision: bigint,
  live: readonly Live[],
): Promise<void> {
  const inside = live.filter(
    ({ key }) => Buffer.compare(key, start) >= 0 && (end === null || Buffer.compare(key, end) < 0),
  );
  const expected = descending ? [...inside].reverse() : inside;
  const query = { interval: { start, end }, revision, descending, linearizable: true };
  for (const limit of [0, 1, 7, 1_000]) {
    const page = await storage.range({ ...query, limit, count: true });
    const rows = expected.slice(0, page.rows);
    // A page may be shorter than was asked for, but not empty.
    assert.ok(page.rows <= limit && page.rows >= Math.min(1, limit, expected.length), `${page.rows} rows`);
    assert.ok(page.fields.equals(Buffer.concat(rows.map(({ field }) => field))), "fields in key order");
    assert.equal(page.more, expected.length > page.rows);
    assert.equal(page.count, BigInt(expected.length));
  }
}

function byKey(a: Live, b: Live): number {
  return Buffer.compare(a.key, b.key);
}
