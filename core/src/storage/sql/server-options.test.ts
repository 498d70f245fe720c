import assert from "node:assert/strict";
import { test } from "node:test";
import { type ServerKind, serverOptions, serverOptionsFromUrl } from "./server-options.js";

const KIND: ServerKind = {
  schemes: ["db", "base"],
  defaultPort: 999,
  aliases: { sslmode: (value) => ({ tls: value === "disable" ? "off" : "verify" }) },
};

const parse = (options: unknown) => serverOptions(KIND).parse(options);
const message = (options: unknown) => serverOptions(KIND).safeParse(options).error?.issues[0]?.message ?? "";

test("a URL stands for the fields", () => {
  assert.deepEqual(
    serverOptionsFromUrl("base://u%40s:p%3Aw:x@[::1]:5/da%2Fta?pool-size=7&sslmode=disable", KIND),
    {
      user: "u@s",
      password: "p:w:x",
      host: "::1",
      port: "5",
      database: "da/ta",
      "pool-size": "7",
      tls: "off",
    },
  );
  assert.deepEqual(serverOptionsFromUrl("db://", KIND), {});
  assert.deepEqual(serverOptionsFromUrl("db:///data?host=/run/db", KIND), {
    database: "data",
    host: "/run/db",
  });
});

test("what is spelled out wins over the URL", () => {
  const settings = parse({ url: "db://me@there/data", user: "you", "read-timeout-ms": 1_500 });
  assert.deepEqual(
    [settings.host, settings.port, settings.user, settings.database, settings.readTimeoutMs],
    ["there", 999, "you", "data", 1_500],
  );
});

test("a bad URL is told without its password", () => {
  for (const url of ["db:host", "other://u:secret@h/d", "db://u:secret@h1,h2/d", "db://u:secret%zz@h/d"]) {
    assert.throws(
      () => serverOptionsFromUrl(url, KIND),
      (error) => error instanceof Error && !error.message.includes("secret"),
      url,
    );
  }
});

test("options that contradict each other are refused with a sentence", () => {
  assert.match(message({ password: "x", "password-file": "y" }), /not several/);
  assert.match(message({ "tls-cert": "x" }), /go together/);
  assert.match(message({ tls: "off", "tls-ca": "x" }), /leave out one/);
  assert.match(message({ "table-prefix": "A;" }), /lower-case/);
  assert.equal(serverOptions(KIND).safeParse({ "no-such": 1 }).success, false);
});

test("a TLS file turns TLS on", () => {
  assert.equal(parse({}).tls, undefined);
  assert.deepEqual(parse({ "tls-ca": "ca.pem" }).tls, {
    verify: true,
    caFile: "ca.pem",
    certFile: undefined,
    keyFile: undefined,
    serverName: undefined,
  });
  assert.equal(parse({ tls: "insecure" }).tls?.verify, false);
});
