import assert from "node:assert/strict";
import { test } from "node:test";
import { StorageError, type StorageErrorCode } from "@etcd-adapter/core/storage";
import { ConnectionDropped, NotConnected } from "@etcd-adapter/core/storage/sql";
import pg from "pg";
import { storageError } from "./errors.js";

function answer(code: string, severity = "ERROR"): Error {
  return Object.assign(new pg.DatabaseError(`answer ${code}`, 0, "error"), { code, severity });
}

function network(code: string): Error {
  return Object.assign(new Error(code), { code });
}

const CASES: readonly (readonly [error: Error, other: StorageErrorCode, commit?: StorageErrorCode])[] = [
  [answer("40001"), "unavailable"],
  [answer("40P01"), "unavailable"],
  [answer("55P03"), "unavailable"],
  [answer("25006"), "unavailable"],
  [answer("53300", "FATAL"), "unavailable", "uncertain"],
  [answer("57P01", "FATAL"), "unavailable", "uncertain"],
  [answer("57014"), "unavailable"],
  [answer("40003"), "unavailable", "uncertain"],
  [answer("53100"), "full"],
  [answer("28P01"), "misconfigured"],
  [answer("3D000"), "misconfigured"],
  [answer("42501"), "misconfigured"],
  [answer("XX001"), "corrupt"],
  [answer("22P02"), "internal"],
  [network("ECONNRESET"), "unavailable", "uncertain"],
  [new ConnectionDropped("silence"), "unavailable", "uncertain"],
  [new Error("Connection terminated unexpectedly"), "unavailable", "uncertain"],
  [new NotConnected("refused", { cause: network("ECONNREFUSED") }), "unavailable"],
  [new NotConnected("refused", { cause: answer("28P01", "FATAL") }), "misconfigured"],
  [new NotConnected("refused", { cause: answer("53300", "FATAL") }), "unavailable"],
  [new NotConnected("refused", { cause: network("SELF_SIGNED_CERT_IN_CHAIN") }), "misconfigured"],
  [new NotConnected("closed"), "unavailable"],
  [new StorageError("conflict", "lost"), "conflict"],
  [new TypeError("a fault"), "internal"],
];

test("every error has its code, in a commit and elsewhere", () => {
  for (const [error, other, commit = other] of CASES) {
    assert.equal(storageError(error, "db", "other").code, other, error.message);
    assert.equal(storageError(error, "db", "commit").code, commit, `${error.message} in a commit`);
  }
});

test("what a person has to repair is told", () => {
  assert.match(storageError(answer("28P01"), "db", "other").message, /^db: answer 28P01: check the user/);
});
