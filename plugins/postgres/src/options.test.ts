import assert from "node:assert/strict";
import { test } from "node:test";
import { fromUrl, options } from "./options.js";

test("a URL as psql takes it is understood", () => {
  const settings = options.parse(
    fromUrl("postgresql://me:pw@db.example/data?sslmode=verify-full&sslrootcert=ca.pem"),
  );
  assert.deepEqual(
    [
      settings.host,
      settings.port,
      settings.user,
      settings.database,
      settings.tls?.verify,
      settings.tls?.caFile,
    ],
    ["db.example", 5432, "me", "data", true, "ca.pem"],
  );
  assert.equal(options.parse(fromUrl("postgres://db/data?sslmode=require")).tls?.verify, false);
  assert.equal(options.parse(fromUrl("postgres://db/data?sslmode=disable")).tls, undefined);
});
