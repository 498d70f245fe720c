import assert from "node:assert/strict";
import { test } from "node:test";
import { statement } from "./statement.js";

test("parameters are numbered by name, and casts are none", () => {
  assert.deepEqual(statement("s", "select :a::bigint, :b where x = :a and y = ''::bytea"), {
    name: "s",
    text: "select $1::bigint, $2 where x = $1 and y = ''::bytea",
    parameters: ["a", "b"],
  });
});
