import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Code, ConnectionLost, fromZooKeeper, UnknownCode, whenOpening } from "./errors.js";

const coded = (code: number) => Object.assign(new Error(`Exception[${code}]`), { code });

describe("errors of zookeeper", () => {
  it("leave an append uncertain when the answer is lost, and nothing else", () => {
    for (const error of [
      new ConnectionLost("gone", true),
      coded(Code.CONNECTION_LOSS),
      coded(Code.OPERATION_TIMEOUT),
      new UnknownCode(Code.REQUEST_TIMEOUT),
    ]) {
      assert.equal(fromZooKeeper(error, "append").code, "uncertain");
      assert.equal(fromZooKeeper(error, "repeatable").code, "unavailable");
    }
  });

  it("are unavailable when nothing was done, whatever for", () => {
    for (const error of [
      new ConnectionLost("never sent", false),
      coded(Code.SESSION_EXPIRED),
      new UnknownCode(Code.SESSION_MOVED),
      new UnknownCode(Code.THROTTLED),
      coded(Code.NO_AUTH),
    ])
      assert.equal(fromZooKeeper(error, "append").code, "unavailable");
  });

  it("tell a used up quota", () => {
    assert.equal(fromZooKeeper(new UnknownCode(Code.QUOTA_EXCEEDED), "append").code, "full");
  });

  it("are misconfigured at the start if only a person can repair them", () => {
    for (const code of [Code.NO_AUTH, Code.AUTH_FAILED, Code.INVALID_ACL])
      assert.equal(whenOpening(coded(code), "/c").code, "misconfigured");
    assert.equal(whenOpening(new ConnectionLost("gone", true), "/c").code, "unavailable");
  });
});
