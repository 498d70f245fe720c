import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { optionsFromUrl, zookeeperOptions } from "./options.js";

const fromUrl = (url: string) => zookeeperOptions.parse(optionsFromUrl(url));

describe("zookeeper options", () => {
  it("are complete without any", () => {
    const { servers, chroot, acl, sessionTimeoutMs } = fromUrl("zookeeper://");
    const expected = { chroot: "/etcd-adapter", acl: "open", sessionTimeoutMs: 10_000 };
    assert.deepEqual({ chroot, acl, sessionTimeoutMs }, expected);
    assert.deepEqual(servers, [{ host: "127.0.0.1", port: 2181 }]);
  });

  it("take hosts, chroot and query from a URL", () => {
    const options = fromUrl("zookeeper://a,b:1234,[::1]:2182,[fe80::1]/one/two/?auth-file=/run/a");
    assert.deepEqual(options.servers, [
      { host: "a", port: 2181 },
      { host: "b", port: 1234 },
      { host: "::1", port: 2182 },
      { host: "fe80::1", port: 2181 },
    ]);
    assert.equal(options.chroot, "/one/two");
    assert.equal(options.authFile, "/run/a");
  });

  it("keep others out if there is a user, unless told otherwise", () => {
    assert.equal(zookeeperOptions.parse({ auth: "u:p" }).acl, "creator-all");
    assert.equal(zookeeperOptions.parse({ auth: "u:p", acl: "open" }).acl, "open");
    assert.throws(() => zookeeperOptions.parse({ acl: "creator-all" }), /needs auth/);
  });

  it("say that there is no TLS", () => {
    assert.throws(() => optionsFromUrl("zookeepers://a/p"), /no TLS/);
  });

  it("refuse what makes no sense", () => {
    assert.throws(() => optionsFromUrl("zk://a/p"), /write zookeeper:\/\/HOST:2181\/CHROOT/);
    assert.throws(() => optionsFromUrl("zookeeper://user@a/p"), /auth-file/);
    assert.throws(() => optionsFromUrl("zookeeper://::1/p"), /\[IPV6\]:2181/);
    assert.throws(() => optionsFromUrl("zookeeper://a:99999/p"), /HOST:2181/);
    assert.throws(() => zookeeperOptions.parse({ chrot: "x" }), /chrot/);
    assert.throws(() => zookeeperOptions.parse({ auth: "nobody" }), /USER:PASSWORD/);
    assert.throws(() => zookeeperOptions.parse({ auth: "u:p", "auth-file": "b" }), /not both/);
    assert.throws(() => zookeeperOptions.parse({ "max-entry-bytes": 2_000_000 }));
  });
});
