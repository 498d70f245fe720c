import assert from "node:assert/strict";
import { test } from "node:test";
import { type Commit, StorageError, type StorageErrorCode } from "@etcd-adapter/core/storage";
import { ConnectionDropped, NotConnected } from "@etcd-adapter/core/storage/sql";
import { isDeadlock, isRefused, storageError } from "./errors.js";

function answer(errno: number, message = `answer ${errno}`): Error {
  return Object.assign(new Error(message), { errno, sqlState: "HY000", code: "ER_SOMETHING" });
}

function network(code: string): Error {
  return Object.assign(new Error(code), { code, errno: -111 });
}

const CASES: readonly (readonly [error: Error, other: StorageErrorCode, commit?: StorageErrorCode])[] = [
  [answer(1205), "unavailable"],
  [answer(1213), "unavailable"],
  [answer(9007), "unavailable"],
  [answer(8028), "unavailable"],
  [answer(9005), "unavailable"],
  [answer(8501), "internal", "uncertain"],
  [answer(1290), "unavailable"],
  [answer(1836), "unavailable"],
  [answer(1040), "unavailable"],
  [answer(1053), "unavailable", "uncertain"],
  [answer(1114), "full"],
  [answer(1045), "misconfigured"],
  [answer(1049), "misconfigured"],
  [answer(1142), "misconfigured"],
  [answer(1064), "internal"],
  [network("ECONNRESET"), "unavailable", "uncertain"],
  [network("PROTOCOL_CONNECTION_LOST"), "unavailable", "uncertain"],
  [new ConnectionDropped("silence"), "unavailable", "uncertain"],
  [new Error("Can't add new command when connection is in closed state"), "unavailable", "uncertain"],
  [new NotConnected("refused", { cause: network("ECONNREFUSED") }), "unavailable"],
  [new NotConnected("refused", { cause: answer(1045) }), "misconfigured"],
  [new NotConnected("refused", { cause: answer(1040) }), "unavailable"],
  [new NotConnected("refused", { cause: network("HANDSHAKE_NO_SSL_SUPPORT") }), "misconfigured"],
  [new StorageError("conflict", "lost"), "conflict"],
  [answer(1105, "pessimistic lock retry limit reached"), "unavailable"],
  [answer(1105, "something else"), "internal"],
  [new TypeError("a fault"), "internal"],
];

test("every error has its code, in a commit and elsewhere", () => {
  for (const [error, other, commit = other] of CASES) {
    assert.equal(storageError(error, "db", "other").code, other, error.message);
    assert.equal(storageError(error, "db", "commit").code, commit, `${error.message} in a commit`);
  }
});

test("a sequence that is there already, or lacks its base, is a lost race", () => {
  const head = { sequence: 42n, revision: 50n, compacted: -1n };
  const commit: Commit = { id: Buffer.alloc(16), base: head, head, revisions: [], registry: [] };
  assert.equal(isRefused(answer(1062, "Duplicate entry '42' for key 'PRIMARY'"), commit), true);
  assert.equal(isRefused(answer(1062, "Duplicate entry '42' for key 'commits.PRIMARY'"), commit), true);
  assert.equal(isRefused(answer(1048, "Column 'revision' cannot be null"), commit), true);
  assert.equal(isRefused(answer(1062, "Duplicate entry '42-0' for key 'log.PRIMARY'"), commit), false);
  assert.equal(isDeadlock(answer(1213)) && isDeadlock(answer(9007)), true);
  assert.equal(isDeadlock(answer(1105, "pessimistic lock retry limit reached")), true);
});
