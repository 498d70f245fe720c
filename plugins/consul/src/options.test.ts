import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { consulOptions, optionsFromUrl } from "./options.js";

const fromUrl = (url: string) => consulOptions.parse(optionsFromUrl(url));

describe("consul options", () => {
  it("are complete without any", () => {
    const { addresses, prefix, https, requestTimeoutMs } = fromUrl("consul://");
    assert.deepEqual(
      { addresses, prefix, https, requestTimeoutMs },
      {
        addresses: ["127.0.0.1:8500"],
        prefix: "etcd-adapter",
        https: false,
        requestTimeoutMs: 10_000,
      },
    );
  });

  it("take hosts, prefix and query from a URL", () => {
    const options = fromUrl(
      "consul://a,b:1234,[::1]:8501,[fe80::1]/one/two/?token-file=/run/t&watch-wait-ms=2000",
    );
    assert.deepEqual(options.addresses, ["a:8500", "b:1234", "[::1]:8501", "[fe80::1]:8500"]);
    assert.equal(options.prefix, "one/two");
    assert.equal(options.tokenFile, "/run/t");
    assert.equal(options.watchWaitMs, 2000);
  });

  it("know TLS by scheme and by option", () => {
    assert.equal(fromUrl("consuls://a/p").https, true);
    assert.equal(fromUrl("consul://a/p?https=true&ca-file=/ca.pem").caFile, "/ca.pem");
    assert.throws(() => fromUrl("consul://a/p?ca-file=/ca.pem"), /ca-file needs https/);
    assert.throws(() => fromUrl("consuls://a/p?cert-file=/c.pem"), /cert-file and key-file go together/);
  });

  it("prefer what is spelled out beside the URL", () => {
    const options = consulOptions.parse({ url: "consul://a/p", prefix: "q", token: "t" });
    assert.deepEqual([options.addresses, options.prefix, options.token], [["a:8500"], "q", "t"]);
  });

  it("refuse what makes no sense", () => {
    assert.throws(() => optionsFromUrl("http://a/p"), /write consul:\/\/HOST:8500\/PREFIX/);
    assert.throws(() => optionsFromUrl("consul://user@a/p"), /token-file/);
    assert.throws(() => optionsFromUrl("consul://::1/p"), /\[IPV6\]:8500/);
    assert.throws(() => consulOptions.parse({ tokenfile: "x" }), /tokenfile/);
    assert.throws(() => consulOptions.parse({ token: "a", "token-file": "b" }), /not both/);
    assert.throws(() => consulOptions.parse({ "request-timeout-ms": "soon" }));
  });
});
