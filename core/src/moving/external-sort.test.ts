import assert from "node:assert/strict";
import { existsSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { ExternalSort } from "./external-sort.js";
import { PreviousRevisions } from "./previous-revisions.js";

function folder(): string {
  return join(mkdtempSync(join(tmpdir(), "etcd-adapter-sort-")), "sort");
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

test("many runs are merged in order, equal keys as they came, again and again", async () => {
  const place = folder();
  const sort = new ExternalSort(place, 20_000);
  const expected: [string, number][] = [];
  for (let index = 0; index < 2_000; index++) {
    const key = `${(index * 7_919) % 500}`;
    expected.push([key, index]);
    await sort.add(Buffer.from(key), Buffer.from(`${index}:${"v".repeat((index * 31) % 3_000)}`));
  }
  expected.sort(
    ([a, first], [b, second]) => Buffer.compare(Buffer.from(a), Buffer.from(b)) || first - second,
  );
  assert.ok(existsSync(join(place, "run-10")));
  for (let round = 0; round < 2; round++) {
    const found = (await collect(sort.sorted())).map(({ key, value }): [string, number] => [
      key.toString(),
      Number.parseInt(value.toString(), 10),
    ]);
    assert.deepEqual(found, expected);
  }
  await sort.dispose();
  assert.equal(existsSync(place), false);
});

test("a record larger than what is read at once", async () => {
  const sort = new ExternalSort(folder(), 1);
  const large = Buffer.alloc(3_000_000, 7);
  await sort.add(Buffer.from("b"), large);
  await sort.add(Buffer.from("a"), Buffer.alloc(0));
  const found = await collect(sort.sorted());
  assert.deepEqual(
    found.map(({ key, value }) => [key.toString(), value.length]),
    [
      ["a", 0],
      ["b", large.length],
    ],
  );
  assert.deepEqual(found[1]!.value, large);
  await sort.dispose();
});

test("nothing gives nothing", async () => {
  const sort = new ExternalSort(folder());
  assert.deepEqual(await collect(sort.sorted()), []);
  await sort.dispose();
});

test("what a version replaced: not across a deletion, and the same for two changes in one revision", async () => {
  const previous = new PreviousRevisions(folder());
  const changes: [revision: bigint, sub: number, key: string, deleted: boolean, replaced: bigint][] = [
    [2n, 0, "a", false, 0n],
    [2n, 1, "b", false, 0n],
    [3n, 0, "a", false, 2n],
    [4n, 0, "a", true, 3n],
    [5n, 0, "a", false, 0n],
    [5n, 1, "b", true, 2n],
    [5n, 2, "b", false, 2n],
    [9n, 0, "b", false, 5n],
    [9n, 1, "ab", false, 0n],
  ];
  for (const [revision, sub, key, deleted] of changes) {
    await previous.add(Buffer.from(key), { revision, sub, deleted });
  }
  await previous.order();
  const reader = previous.reader();
  for (const [revision, sub, , , replaced] of changes) {
    assert.equal(await reader.of({ revision, sub }), replaced, `${revision}/${sub}`);
  }
  await reader.close();
  await previous.dispose();
});
