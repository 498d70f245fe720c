import assert from "node:assert/strict";
import { generateKeyPairSync, type KeyPairKeyObjectResult } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { decodeJwt, decodeProtectedHeader, SignJWT } from "jose";
import { ConfigError } from "../config/config-error.js";
import { ProcessLogBackend } from "../storage/log/index.js";
import { outcome, READWRITE, TestAdapter } from "./testing.js";

const folder = mkdtempSync(join(tmpdir(), "etcd-adapter-jwt-"));
after(() => rmSync(folder, { recursive: true }));

const PAIRS: Record<string, KeyPairKeyObjectResult> = {
  rsa: generateKeyPairSync("rsa", { modulusLength: 2048 }),
  other: generateKeyPairSync("rsa", { modulusLength: 2048 }),
  ec256: generateKeyPairSync("ec", { namedCurve: "P-256" }),
  ed: generateKeyPairSync("ed25519"),
};
for (const [name, { privateKey, publicKey }] of Object.entries(PAIRS)) {
  writeFileSync(join(folder, `${name}.key`), privateKey.export({ type: "pkcs8", format: "pem" }));
  writeFileSync(join(folder, `${name}.pub`), publicKey.export({ type: "spki", format: "pem" }));
}
writeFileSync(join(folder, "secret"), "a secret of thirty-two bytes, ok\n");

const file = (name: string) => join(folder, name);
const specification = (method: string, pair: string) =>
  `jwt,sign-method=${method},pub-key=${file(`${pair}.pub`)},priv-key=${file(`${pair}.key`)},ttl=5m`;
const key = Buffer.from("a");

for (const [method, text] of [
  ["RS256", specification("RS256", "rsa")],
  ["RS512", `jwt,sign-method=RS512,priv-key=${file("rsa.key")}`],
  ["PS384", specification("PS384", "rsa")],
  ["ES256", specification("ES256", "ec256")],
  ["EdDSA", specification("EdDSA", "ed")],
  ["HS256", `jwt,sign-method=HS256,priv-key=${file("secret")}`],
] as const) {
  test(`a ${method} token is signed, read, and ends with the auth revision`, async () => {
    const adapter = await TestAdapter.open(undefined, { specification: text });
    await adapter.enable({ amy: [[READWRITE, "a"]] });
    const amy = { token: await adapter.token("amy", "amy") };
    assert.equal(decodeProtectedHeader(amy.token).alg, method);
    const { username, revision, exp } = decodeJwt(amy.token);
    assert.deepEqual([username, revision], ["amy", 7]);
    assert.ok(Math.abs(exp! - Date.now() / 1_000 - 300) < 5);
    assert.equal(await outcome(adapter.call("put", { key }, amy)), "ok");
    assert.equal(
      await outcome(adapter.call("range", { key }, { authorization: `Bearer ${amy.token}` })),
      "ok",
    );
    const root = { token: await adapter.token("root", "root") };
    // Root's token is old after its first change, but good enough to administrate, as in etcd.
    for (const name of ["b", "c"]) await adapter.call("roleAdd", { name }, root);
    assert.equal(await outcome(adapter.call("range", { key }, root)), "revision of auth store is old");
    assert.equal(await outcome(adapter.call("put", { key }, amy)), "revision of auth store is old");
    assert.equal(await outcome(adapter.call("txn", {}, amy)), "revision of auth store is old");
    assert.equal(await outcome(adapter.call("leaseGrant", { TTL: 9n, ID: 5n }, amy)), "ok");
    assert.equal(await outcome(adapter.call("leaseTimeToLive", { ID: 5n, keys: true }, root)), "ok");
    assert.equal(await outcome(adapter.call("leaseRevoke", { ID: 5n }, root)), "ok");
    await adapter.close();
  });
}

test("tokens that are expired, forged or without claims are none", async () => {
  const clock = { nowMs: Date.now() };
  const options = { specification: specification("RS256", "rsa"), now: () => clock.nowMs };
  const adapter = await TestAdapter.open(new ProcessLogBackend(), options);
  await adapter.enable({ amy: [[READWRITE, "a"]] });
  const sign = (claims: Record<string, unknown>, pair = "rsa", alg = "RS256") =>
    new SignJWT(claims).setProtectedHeader({ alg }).sign(PAIRS[pair]!.privateKey);
  const get = (token: string) => outcome(adapter.call("range", { key }, { token }));
  assert.equal(await get(await sign({ username: "amy", revision: 7 })), "ok");
  const inTime = await sign({ username: "amy", revision: 7, exp: Math.floor(clock.nowMs / 1_000) + 60 });
  assert.equal(await get(inTime), "ok");
  clock.nowMs += 61_000;
  const invalid = "invalid auth token";
  assert.equal(await get(inTime), invalid);
  assert.equal(await get(await sign({ username: "amy", revision: 7 }, "other")), invalid);
  assert.equal(await get(await sign({ username: "amy", revision: 7 }, "rsa", "RS384")), invalid);
  assert.equal(await get(await sign({ username: "amy" })), invalid);
  assert.equal(await get(await sign({ revision: 7 })), invalid);
  assert.equal(await get(await sign({ username: "eve", revision: 7 })), "permission denied");
  assert.equal(await get(await sign({ username: "amy", revision: 6 })), "revision of auth store is old");
  assert.equal(await get("eyJhbGciOiJub25lIn0.eyJ1c2VybmFtZSI6ImFteSIsInJldmlzaW9uIjo3fQ."), invalid);
  await adapter.close();
});

test("with a public key alone tokens are read and not made", async () => {
  const text = `jwt,sign-method=RS256,pub-key=${file("rsa.pub")}`;
  const adapter = await TestAdapter.open(undefined, { specification: text });
  await adapter.enable({});
  assert.equal(
    await outcome(adapter.token("root", "root")),
    "auth: token signing attempted with verify-only key",
  );
  await adapter.close();
});

test("what is wrong with --auth-token is said", async () => {
  for (const [text, message] of [
    ["nop", /"nop" is unknown/],
    ["jwt", /needs sign-method/],
    ["jwt,sign-method=none", /needs sign-method/],
    ["jwt,sign-method=RS256", /needs priv-key/],
    ["jwt,sign-method=HS256,pub-key=x", /needs priv-key/],
    ["jwt,sign-method=RS256,priv-key=/no/such/file", /no key can be read from \/no\/such\/file/],
    [`jwt,sign-method=RS256,priv-key=${file("ed.key")}`, /ed25519, rsa is needed/],
    [`jwt,sign-method=RS256,pub-key=${file("other.pub")},priv-key=${file("rsa.key")}`, /don't belong/],
    ["jwt,sign-method=RS256,ttl", /"ttl" is not a parameter/],
    ["jwt,sign-method=RS256,time=5m", /no parameter "time"/],
    ["jwt,sign-method=RS256,ttl=5", /has to be a duration/],
  ] as const) {
    await assert.rejects(
      TestAdapter.open(undefined, { specification: text }),
      (error) => error instanceof ConfigError && message.test(error.message),
      text,
    );
  }
});
