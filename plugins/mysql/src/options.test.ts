import assert from "node:assert/strict";
import { test } from "node:test";
import { fromUrl, options } from "./options.js";

test("each scheme has its port, and the client programs' options are understood", () => {
  assert.equal(options.parse(fromUrl("mysql://me@db/data")).port, 3306);
  assert.equal(options.parse(fromUrl("tidb://me@db/data")).port, 4000);
  assert.equal(options.parse(fromUrl("tidb://me@db:4001/data")).port, 4001);
  const settings = options.parse(fromUrl("mariadb://me@db/data?ssl-mode=VERIFY_IDENTITY&ssl-ca=ca.pem"));
  assert.deepEqual([settings.tls?.verify, settings.tls?.caFile], [true, "ca.pem"]);
});
