import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Passwords } from "./passwords.js";

test("a hash matches its password and no other", async () => {
  const passwords = new Passwords(4);
  const hash = await passwords.hash("päss\0word");
  assert.match(hash.toString(), /^\$2[ab]\$04\$.{53}$/);
  assert.equal(await passwords.matches("päss\0word", hash), true);
  assert.equal(await passwords.matches("päss", hash), false);
  assert.equal(await passwords.matches("", Buffer.alloc(0)), false);
  assert.equal(await passwords.matches("x", Buffer.from("no hash at all")), false);
  await passwords.close();
});

test("beyond 72 bytes a password is refused when it is set, and cut off when it is compared", async () => {
  const passwords = new Passwords(4);
  await assert.rejects(passwords.hash("x".repeat(73)), { id: "passwordTooLong" });
  await assert.rejects(passwords.hash("ö".repeat(37)), { id: "passwordTooLong" });
  const hash = await passwords.hash("x".repeat(72));
  assert.equal(await passwords.matches("x".repeat(73), hash), true);
  assert.equal(await passwords.matches("x".repeat(71), hash), false);
  await passwords.close();
});

test("hashes that Go made are read", async () => {
  // of the tests of golang.org/x/crypto/bcrypt
  const hash = Buffer.from("$2a$10$XajjQvNhvvRt5GSeFk1xFeyqRrsxkhBkUiQeg0dt.wU1qD4aFDcga");
  const passwords = new Passwords(4);
  assert.equal(await passwords.matches("allmine", hash), true);
  assert.equal(await passwords.matches("allmine2", hash), false);
  await passwords.close();
});

test("the event loop goes on while passwords are hashed", async () => {
  const passwords = new Passwords(11);
  await passwords.hash("warm up");
  let hashing = true;
  const hashes = Promise.all(Array.from({ length: 6 }, (_, index) => passwords.hash(`p${index}`))).then(
    () => {
      hashing = false;
    },
  );
  const started = performance.now();
  let last = started;
  const delaysMs: number[] = [];
  while (hashing) {
    await sleep(1);
    const now = performance.now();
    delaysMs.push(now - last);
    last = now;
  }
  await hashes;
  delaysMs.sort((a, b) => a - b);
  const tookMs = performance.now() - started;
  const medianMs = delaysMs[delaysMs.length >> 1]!;
  // One hash takes far longer than this; with them on the loop there would be a handful of turns.
  assert.ok(medianMs < 50, `median turn ${medianMs} ms in ${delaysMs.length} turns of ${tookMs} ms`);
  await passwords.close();
});

test("who went away is not hashed for, and closing ends what waits", async () => {
  const passwords = new Passwords(10, 1);
  const gone = new AbortController();
  const first = passwords.hash("a");
  const aborted = passwords.hash("b", gone.signal);
  const third = passwords.hash("c");
  gone.abort();
  await assert.rejects(aborted);
  assert.ok(await first);
  const refused = assert.rejects(third, { id: "stopped" });
  await passwords.close();
  await refused;
  await assert.rejects(passwords.hash("d"), { id: "stopped" });
});
