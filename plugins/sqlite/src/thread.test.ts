import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { tableNames } from "@etcd-adapter/core/storage/sql";
import { storageError } from "./errors.js";
import { openStorage, temporaryFolder } from "./testing/place.js";
import { Thread } from "./thread.js";

test("a thread that ends leaves its calls without an outcome, and the next call starts another", async (t) => {
  const file = join(await temporaryFolder(t), "test.db");
  await (await openStorage(t, file)).close();
  const died: unknown[] = [];
  const thread = new Thread({ file, tables: tableNames(""), busyTimeoutMs: 1000, cacheSizeMib: 1 }, (cause) =>
    died.push(cause),
  );
  t.after(() => thread.close());
  const call = thread.call("shrink", 1);
  await thread.start().terminate();
  await assert.rejects(call, (error: unknown) => {
    assert.equal(storageError(error, file, "commit").code, "uncertain");
    assert.equal(storageError(error, file, "other").code, "unavailable");
    return true;
  });
  assert.equal(died.length, 1);
  assert.equal(await thread.call("shrink", 1), false);
  await thread.close();
  await assert.rejects(thread.call("shrink", 1), { code: "closed" });
});
