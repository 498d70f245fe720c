import assert from "node:assert/strict";
import { test } from "node:test";
import { identify } from "./server.js";

const PACKET = 16 << 20;

test("the three are told apart", () => {
  const known = (version: string) => {
    const { family, version: number } = identify([version, PACKET], "db");
    return `${family} ${number}`;
  };
  assert.equal(known("8.4.2"), "MySQL 8.4.2");
  assert.equal(known("8.0.36-28"), "MySQL 8.0.36");
  assert.equal(known("10.11.6-MariaDB-0+deb12u1"), "MariaDB 10.11.6");
  assert.equal(known("5.5.5-11.4.2-MariaDB"), "MariaDB 11.4.2");
  assert.equal(known("8.0.11-TiDB-v8.4.0-this-is-a-placeholder"), "TiDB 8.4.0");
  assert.equal(known("5.7.25-TiDB-v6.5.0"), "TiDB 6.5.0");
});

test("what is too old or takes too little is refused with a sentence", () => {
  for (const version of ["5.7.44", "10.5.9-MariaDB", "5.7.25-TiDB-v5.4.0"]) {
    assert.throws(() => identify([version, PACKET], "db"), { code: "misconfigured", message: /upgrade it/ });
  }
  assert.throws(() => identify(["8.4.2", 1 << 20], "db"), {
    code: "misconfigured",
    message: /max_allowed_packet/,
  });
});
