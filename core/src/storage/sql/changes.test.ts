import assert from "node:assert/strict";
import { test } from "node:test";
import { readChanges } from "./changes.js";
import type { LogPage, LogQuery, LogRow, SqlDriver } from "./driver.js";

/** Revisions with so many changes each, read in pages of at most 4 rows, whatever is asked for. */
function driverWith(sizes: Record<string, number>): SqlDriver {
  const rows = Object.entries(sizes).flatMap(([revision, size]) =>
    Array.from({ length: size }, (_, sub): LogRow => ({ revision: BigInt(revision), change: change(sub) })),
  );
  const driver: Pick<SqlDriver, "logRows"> = {
    async logRows({ after, through, limit }: LogQuery): Promise<LogPage> {
      const found = rows.filter(
        ({ revision, change }) =>
          revision <= through &&
          (revision > after.revision || (revision === after.revision && change.sub > after.sub)),
      );
      const size = Math.min(4, limit);
      return { rows: found.slice(0, size), more: found.length > size };
    },
  };
  return driver as Partial<SqlDriver> as SqlDriver;
}

function change(sub: number) {
  return { sub, key: Buffer.of(sub), field: Buffer.alloc(0), deleted: false, previous: 0n, lease: 0n };
}

async function read(sizes: Record<string, number>, after: bigint, limit: number) {
  const query = { after, through: 9n, interval: null, limit, previous: false };
  const { revisions, through } = await readChanges(driverWith(sizes), query);
  return { sizes: revisions.map(({ revision, changes }) => [revision, changes.length]), through };
}

test("pages hold whole revisions", async () => {
  assert.deepEqual(await read({}, 0n, 10), { sizes: [], through: 9n });
  assert.deepEqual(await read({ 2: 1, 3: 2 }, 1n, 10), {
    sizes: [
      [2n, 1],
      [3n, 2],
    ],
    through: 9n,
  });
  assert.deepEqual(await read({ 2: 1, 3: 2, 7: 3 }, 1n, 10), {
    sizes: [
      [2n, 1],
      [3n, 2],
    ],
    through: 6n,
  });
  assert.deepEqual(await read({ 2: 1, 3: 2, 7: 3 }, 2n, 10), { sizes: [[3n, 2]], through: 6n });
});

test("a revision larger than a page is read to its end", async () => {
  assert.deepEqual(await read({ 5: 11, 6: 1 }, 1n, 10), { sizes: [[5n, 11]], through: 5n });
  assert.deepEqual(await read({ 5: 11 }, 1n, 1), { sizes: [[5n, 11]], through: 5n });
  assert.deepEqual(await read({ 5: 3, 6: 1 }, 1n, 0), { sizes: [[5n, 3]], through: 5n });
});
