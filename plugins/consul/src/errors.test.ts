import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { fromConsul, isServersFault, wasNeverSent, whenOpening } from "./errors.js";

const coded = (code: string) => Object.assign(new Error(code), { code });
const answered = (statusCode: number, body: string) =>
  Object.assign(new Error("request failed"), { isResponse: true, response: { statusCode, body } });

describe("errors of consul", () => {
  it("are unavailable when nothing was sent, whatever for", () => {
    for (const error of [coded("ECONNREFUSED"), coded("ENOTFOUND"), coded("CERT_HAS_EXPIRED")]) {
      assert.equal(fromConsul(error, "append").code, "unavailable");
      assert.ok(wasNeverSent(error));
    }
  });

  it("leave an append uncertain when the answer is lost, and nothing else", () => {
    const timeout = Object.assign(new Error("request timed out"), { isTimeout: true });
    for (const error of [
      coded("ECONNRESET"),
      timeout,
      answered(500, "rpc error making call: leadership lost while committing log"),
      answered(500, "rpc error making call: EOF"),
    ]) {
      assert.equal(fromConsul(error, "append").code, "uncertain");
      assert.equal(fromConsul(error, "repeatable").code, "unavailable");
      assert.ok(isServersFault(error));
    }
  });

  it("are unavailable when Consul refuses before it writes", () => {
    for (const error of [
      answered(500, "No cluster leader"),
      answered(500, "node is not the leader"),
      answered(500, "rpc error getting client: failed to get conn: dial tcp: connection refused"),
      answered(429, "rate limit exceeded"),
      answered(403, "Permission denied"),
    ])
      assert.equal(fromConsul(error, "append").code, "unavailable");
  });

  it("tell a full disk", () => {
    assert.equal(fromConsul(answered(500, "write raft.db: no space left on device"), "append").code, "full");
  });

  it("name the option for a value that is too large", () => {
    assert.match(fromConsul(answered(413, "Request body too large"), "append").message, /max-value-bytes/);
  });

  it("are misconfigured at the start if only a person can repair them", () => {
    for (const error of [
      answered(403, "Permission denied"),
      answered(400, 'Invalid query parameter: "ns"'),
      answered(500, "No path to datacenter"),
      coded("DEPTH_ZERO_SELF_SIGNED_CERT"),
    ])
      assert.equal(whenOpening(error).code, "misconfigured");
    assert.equal(whenOpening(coded("ECONNREFUSED")).code, "unavailable");
    assert.equal(whenOpening(answered(500, "No cluster leader")).code, "unavailable");
  });
});
