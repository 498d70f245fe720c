import assert from "node:assert/strict";
import { test } from "node:test";
import { pendingMigrations } from "./migrations.js";

const ALL = [1, 2, 3].map((version) => ({ version, statements: [] }));

test("a schema gets the steps that it lacks", () => {
  assert.deepEqual(pendingMigrations(ALL, 0, "db"), ALL);
  assert.deepEqual(pendingMigrations(ALL, 2, "db"), ALL.slice(2));
  assert.deepEqual(pendingMigrations(ALL, 3, "db"), []);
});

test("the schema of a newer program is refused", () => {
  assert.throws(() => pendingMigrations(ALL, 4, "the database"), {
    code: "misconfigured",
    message: /the database was written by a newer version/,
  });
});
