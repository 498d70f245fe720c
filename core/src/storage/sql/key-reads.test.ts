import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { EMPTY_HEAD, type GetResult } from "../model.js";
import { KeyReads } from "./key-reads.js";

/** Statements that a test answers, each with its keys in upper case, "none" being one that is not there. */
class Statements {
  readonly sent: { keys: string[]; answer: () => void; fail: (error: Error) => void }[] = [];

  readonly read = (keys: readonly Buffer[]): Promise<GetResult> =>
    new Promise((resolve, reject) => {
      const head = { ...EMPTY_HEAD, sequence: BigInt(this.sent.length + 1) };
      const fields = keys
        .map(String)
        .map((key) => (key === "none" ? undefined : Buffer.from(key.toUpperCase())));
      this.sent.push({ keys: keys.map(String), answer: () => resolve({ head, fields }), fail: reject });
    });

  get keys(): string[][] {
    return this.sent.map(({ keys }) => keys);
  }
}

test("what comes in one turn is read by one statement, what comes later by the next", async () => {
  const statements = new Statements();
  const reads = new KeyReads(statements.read);
  const first = [reads.page(Buffer.from("a"), true), reads.page(Buffer.from("none"), true)];
  await nextTurn();
  const second = reads.page(Buffer.from("a"), false);
  await nextTurn();
  const third = [reads.page(Buffer.from("b"), false), reads.page(Buffer.from("c"), false)];
  await nextTurn();
  assert.deepEqual(statements.keys, [["a", "none"], ["a"]]);
  statements.sent[1]!.answer();
  assert.deepEqual(await second, {
    ...{ head: { ...EMPTY_HEAD, sequence: 2n }, fields: Buffer.from("A"), rows: 1, more: false, count: 0n },
  });
  await nextTurn();
  assert.deepEqual(statements.keys[2], ["b", "c"]);
  statements.sent[0]!.answer();
  statements.sent[2]!.answer();
  const [present, absent] = await Promise.all(first);
  assert.deepEqual([present!.rows, present!.count, absent!.rows, absent!.count], [1, 1n, 0, 0n]);
  assert.deepEqual(
    (await Promise.all(third)).map(({ fields }) => String(fields)),
    ["B", "C"],
  );
});

test("long keys are read by statements of their own", async () => {
  const statements = new Statements();
  const reads = new KeyReads(statements.read);
  const keys = ["a".repeat(200_000), "b", "c".repeat(200_000), "d"];
  const pages = keys.map((key) => reads.page(Buffer.from(key), true));
  await nextTurn();
  assert.deepEqual(statements.keys, [keys.slice(0, 2), keys.slice(2)]);
  for (const { answer } of statements.sent) answer();
  assert.deepEqual(
    (await Promise.all(pages)).map(({ rows }) => rows),
    [1, 1, 1, 1],
  );
});

test("where values are large, a statement has few keys", async () => {
  const sizes: number[] = [];
  let bytes = 1_500_000;
  const reads = new KeyReads(async (keys) => {
    sizes.push(keys.length);
    return { head: EMPTY_HEAD, fields: keys.map(() => Buffer.alloc(bytes)) };
  });
  const all = (count: number) =>
    Promise.all(Array.from({ length: count }, (_, n) => reads.page(Buffer.from(`${n}`), true)));
  await all(1);
  await all(12);
  assert.deepEqual(sizes, [1, 5, 5, 2]);
  bytes = 100;
  for (let n = 0; n < 10; n++) await all(1);
  sizes.length = 0;
  await all(64);
  assert.deepEqual(sizes, [64]);
});

test("a statement that fails fails its keys alone", async () => {
  const statements = new Statements();
  const reads = new KeyReads(statements.read);
  const lost = assert.rejects(reads.page(Buffer.from("a"), true), /gone/);
  await nextTurn();
  const kept = reads.page(Buffer.from("b"), true);
  await nextTurn();
  statements.sent[0]!.fail(new Error("gone"));
  statements.sent[1]!.answer();
  await lost;
  assert.equal((await kept).rows, 1);
});

test("however many wait, a statement has 64 keys at the most, and two are under way", async () => {
  const statements = new Statements();
  const reads = new KeyReads(statements.read);
  const pages = Array.from({ length: 200 }, (_, n) => reads.page(Buffer.from(`${n}`), true));
  for (let answered = 0; answered < 4; answered++) {
    await nextTurn();
    await nextTurn();
    assert.ok(statements.sent.length <= answered + 2);
    statements.sent[answered]!.answer();
  }
  assert.deepEqual(
    (await Promise.all(pages)).map(({ fields }) => String(fields)),
    Array.from(pages, (_, n) => `${n}`),
  );
  assert.deepEqual(
    statements.keys.map((keys) => keys.length),
    [64, 64, 64, 8],
  );
});
