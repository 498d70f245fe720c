import assert from "node:assert/strict";
import { test } from "node:test";
import { RegistryLog } from "./registry-log.js";

test("removals are forgotten in order, and the floor tells who may have missed one", () => {
  const registry = new RegistryLog();
  for (let sequence = 1; sequence <= 300; sequence++) {
    registry.write(sequence, {
      key: `k${sequence % 20}`,
      value: sequence % 2 ? null : Buffer.from(`${sequence}`),
    });
    registry.write(sequence, { key: `once${sequence}`, value: null });
  }
  assert.equal(registry.floor, 0);
  assert.equal(registry.prune(250, 10), true);
  assert.ok(registry.floor > 0);
  while (registry.prune(250, 10));
  assert.equal(registry.floor, 250);
  const removals = registry.after(0).filter(({ value }) => value === null);
  assert.ok(removals.every(({ sequence }) => sequence > 250));
  assert.equal(removals.filter(({ key }) => key.startsWith("once")).length, 50);
  assert.equal(registry.after(0).filter(({ value }) => value !== null).length, 10);
});

test("entries come in the order of their sequences, each key's newest alone", () => {
  const registry = new RegistryLog();
  for (let sequence = 1; sequence <= 1000; sequence++) {
    registry.write(sequence, { key: `k${sequence % 7}`, value: Buffer.from(`${sequence}`) });
  }
  assert.deepEqual(
    registry.after(0).map(({ sequence }) => sequence),
    [994, 995, 996, 997, 998, 999, 1000],
  );
  assert.deepEqual(
    registry.after(998).map(({ sequence }) => sequence),
    [999, 1000],
  );
  assert.deepEqual(registry.after(1000), []);
});
