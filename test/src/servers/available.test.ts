import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { leftOutLine, requiredBackends, serverlessBackends, serverNames } from "./available.js";

const variable = "ETCD_ADAPTER_TEST_BACKENDS";

describe("the backends that the tests demand", () => {
  it("are those without a server unless the environment says more", () => {
    assert.deepEqual(requiredBackends({}), serverlessBackends);
    assert.deepEqual(requiredBackends({ [variable]: "" }), serverlessBackends);
  });

  it("can be named, or all at once", () => {
    assert.deepEqual(requiredBackends({ [variable]: "tidb, postgres" }), ["postgres", "tidb"]);
    assert.deepEqual(requiredBackends({ [variable]: "all" }), [...serverlessBackends, ...serverNames]);
  });

  it("are not misspelt without an error", () => {
    assert.throws(
      () => requiredBackends({ [variable]: "postgres,postgress" }),
      /postgress is none of all, memory/,
    );
  });

  it("leave a line about the others", () => {
    assert.equal(leftOutLine({ [variable]: "all" }), undefined);
    assert.match(leftOutLine({})!, /^left out: postgres, .*ETCD_ADAPTER_TEST_BACKENDS=all npm test$/);
  });
});
