import assert from "node:assert/strict";
import { test } from "node:test";
import type { Lanes } from "@etcd-adapter/core/storage/sql";
import type { Connection, Row } from "./connection.js";
import { Ranges } from "./ranges.js";
import { Scans } from "./scans.js";
import { statements } from "./statements.js";

/** A database that answers head, rows and count in this way: no real one can be made to contradict itself. */
function answering(rows: readonly string[], count: number): Ranges {
  const answers: Row[][] = [
    [[7, 9, -1]],
    rows.map((row): Row => [Buffer.from(row), Buffer.alloc(0)]),
    [[count]],
  ];
  const lanes = { use: async () => answers } as unknown as Lanes<Connection>;
  const tables = { log: "l", state: "s", commits: "c", registry: "r", meta: "m" };
  return new Ranges(lanes, statements(tables, new Scans()));
}

const query = {
  interval: { start: Buffer.from("a"), end: Buffer.from("b") },
  ...{ limit: 3, count: true, descending: false },
};

test("a count that contradicts the rows is no answer", async () => {
  await assert.rejects(answering(["a1", "a2"], 3).newest(query), { code: "unavailable", message: /2 rows/ });
  const whole = await answering(["a1", "a2", "a3"], 3).newest(query);
  assert.deepEqual([whole.rows, whole.more, whole.count], [3, false, 3n]);
  const part = await answering(["a1", "a2", "a3", "a4"], 9).newest(query);
  assert.deepEqual([part.rows, part.more, part.count], [3, true, 9n]);
});
