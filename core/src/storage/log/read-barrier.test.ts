import assert from "node:assert/strict";
import { test } from "node:test";
import { ReadBarrier } from "./read-barrier.js";

/** Looks that end when the test says so. */
function controlled() {
  const ends: { resolve: () => void; reject: (error: Error) => void }[] = [];
  const barrier = new ReadBarrier(
    () => new Promise<void>((resolve, reject) => ends.push({ resolve, reject })),
  );
  return { ends, barrier };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

test("who comes while a look is under way shares the next one", async () => {
  const { ends, barrier } = controlled();
  const passed: string[] = [];
  const pass = (name: string) => barrier.pass().then(() => passed.push(name));
  void pass("first");
  const late = [pass("second"), pass("third")];
  assert.equal(ends.length, 1);
  ends[0]!.resolve();
  await turn();
  assert.deepEqual(passed, ["first"]);
  assert.equal(ends.length, 2);
  void pass("fourth");
  ends[1]!.resolve();
  await Promise.all(late);
  await turn();
  assert.deepEqual(passed, ["first", "second", "third"]);
  assert.equal(ends.length, 3);
  ends[2]!.resolve();
  await barrier.settled();
  assert.equal(passed.length, 4);
});

test("a look that fails fails those who share it, and no others", async () => {
  const { ends, barrier } = controlled();
  const first = barrier.pass();
  const second = barrier.pass();
  ends[0]!.reject(new Error("down"));
  await assert.rejects(first, /down/);
  await turn();
  ends[1]!.resolve();
  await second;
  const third = barrier.pass();
  ends[2]!.resolve();
  await third;
  await barrier.settled();
});
