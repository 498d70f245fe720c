import assert from "node:assert/strict";
import { test } from "node:test";
import { KeyTree } from "./key-tree.js";

/** Enough for three levels of nodes. */
const KEYS = 12_000;

test("counts and scans agree with a sorted list, while keys come and go", () => {
  const tree = new KeyTree<string>();
  const present = new Set<string>();
  for (let n = 0; n < KEYS; n++) {
    const key = keyOf((n * 7919) % KEYS);
    tree.set(key, key);
    present.add(key);
  }
  expectSame(tree, present);
  for (let n = 0; n < KEYS; n++) {
    if (n % 5 === 0) continue;
    tree.delete(keyOf(n));
    present.delete(keyOf(n));
  }
  expectSame(tree, present);
});

test("an empty tree counts and visits nothing", () => {
  expectSame(new KeyTree<string>(), new Set());
});

test("a scan ends when its visitor says so", () => {
  const tree = new KeyTree<string>();
  for (let n = 0; n < 1000; n++) tree.set(keyOf(n), keyOf(n));
  for (const scan of ["scan", "scanDown"] as const) {
    let visits = 0;
    tree[scan]({ low: "", high: null }, () => ++visits < 3);
    assert.equal(visits, 3);
  }
});

function keyOf(n: number): string {
  return `${String.fromCharCode(n % 256)}${n}`;
}

function expectSame(tree: KeyTree<string>, present: ReadonlySet<string>): void {
  const sorted = [...present].sort();
  const bounds = [
    "",
    "\x00",
    "5",
    "A",
    "\x80",
    "\xff",
    "\xff9999",
    keyOf(77),
    keyOf(78),
    `${keyOf(5000)}\x00`,
  ];
  for (const low of bounds) {
    for (const high of [...bounds, null]) {
      const expected = sorted.filter((key) => key >= low && (high === null || key < high));
      const label = JSON.stringify({ low, high });
      assert.equal(tree.count({ low, high }), expected.length, label);
      const up: string[] = [];
      tree.scan({ low, high }, (key) => up.push(key) > 0);
      assert.deepEqual(up, expected, label);
      const down: string[] = [];
      tree.scanDown({ low, high }, (key) => down.push(key) > 0);
      assert.deepEqual(down, expected.reverse(), label);
    }
  }
}
