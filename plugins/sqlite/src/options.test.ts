import assert from "node:assert/strict";
import { test } from "node:test";
import { fromUrl, options } from "./options.js";

test("a URL names the file", () => {
  assert.deepEqual(fromUrl("sqlite:"), {});
  assert.deepEqual(fromUrl("sqlite:data/etcd.db"), { path: "data/etcd.db" });
  assert.deepEqual(fromUrl("sqlite:/var/lib/etcd.db"), { path: "/var/lib/etcd.db" });
  assert.deepEqual(fromUrl("sqlite:///var/lib/my%20etcd.db"), { path: "/var/lib/my etcd.db" });
  assert.deepEqual(fromUrl("SQLite:a.db?table-prefix=x_"), { path: "a.db", "table-prefix": "x_" });
});

test("a URL that means something else is explained", () => {
  assert.throws(() => fromUrl("sqlite://host/etcd.db"), /names a host/);
  assert.throws(() => fromUrl("sqlite::memory:"), /write memory: instead/);
  assert.throws(() => fromUrl("sqlite:100%.db"), /hexadecimal/);
});

test("options have defaults and bounds, as text too", () => {
  assert.deepEqual(options.parse({}), { "table-prefix": "", "busy-timeout-ms": 5000, "cache-size-mib": 8 });
  assert.equal(options.parse({ "cache-size-mib": "8" })["cache-size-mib"], 8);
  assert.equal(options.safeParse({ "table-prefix": "x; drop" }).success, false);
});
