import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { isStorageError, type LogStorage } from "@etcd-adapter/core/storage";
import { TestBackend } from "./backend.js";
import { rejectsWith } from "./reading.js";
import type { Subject } from "./scene.js";

const READ_BYTES = 1024 * 1024;

interface LogScene {
  readonly log: LogStorage;
  readonly backend: TestBackend;
  skip(reason: string): void;
}

type DefineLog = (name: string, body: (scene: LogScene) => Promise<void>) => void;

/** The small door's own contract, below the core's LogBackedStorage. */
export function logTests<Options>({ plugin, backend }: Subject<Options>): void {
  if (plugin.kind !== "log") return;
  const define: DefineLog = (name, body) => {
    test(`log: ${name}`, { timeout: 180_000 }, async (t) => {
      const own = await TestBackend.create(plugin, backend);
      try {
        await body({
          log: await own.openLog(),
          backend: own as TestBackend,
          skip: (reason) => t.skip(reason),
        });
      } finally {
        await own.dispose();
      }
    });
  };
  appendTests(define);
  keptTests(define);
  snapshotTests(define);
}

function appendTests(define: DefineLog): void {
  define("an empty log", async ({ log }) => {
    assert.equal(await log.last(), 0n);
    assert.deepEqual(await log.read(0n, READ_BYTES), []);
    assert.equal(await log.loadSnapshot(), undefined);
  });

  define("only the next sequence can be appended", async ({ log }) => {
    await rejectsWith(
      "conflict",
      log.append(2n, () => Buffer.from("2")),
    );
    await append(log, 1n);
    await rejectsWith(
      "conflict",
      log.append(1n, () => Buffer.from("other")),
    );
    await rejectsWith(
      "conflict",
      log.append(3n, () => Buffer.from("3")),
    );
    assert.equal(await log.last(), 1n);
    await append(log, 2n);
    assert.equal(await log.last(), 2n);
  });

  define("of appends that race, one wins", async ({ log, backend, skip }) => {
    if (!log.shared) return skip("the log is not shared");
    const logs = [log, await backend.openLog(), await backend.openLog()];
    for (let sequence = 1n; sequence <= 10n; sequence++) {
      const outcomes = await Promise.allSettled(
        logs.map((one, n) => one.append(sequence, () => Buffer.from(`${n}`))),
      );
      const winners = outcomes.flatMap(({ status }, n) => (status === "fulfilled" ? [`${n}`] : []));
      assert.equal(winners.length, 1, `sequence ${sequence}`);
      for (const one of outcomes)
        if (one.status === "rejected") assert.ok(isStorageError(one.reason, "conflict"));
      for (const one of logs) {
        assert.equal(await one.last(), sequence);
        const [segment] = await one.read(sequence - 1n, READ_BYTES);
        assert.equal(segment?.bytes.toString(), winners[0]);
      }
    }
  });

  define("a closed log refuses every call", async ({ log }) => {
    await log.close();
    await rejectsWith("closed", log.last());
    await rejectsWith(
      "closed",
      log.append(1n, () => Buffer.from("1")),
    );
    await rejectsWith("closed", log.read(0n, READ_BYTES));
    await rejectsWith("closed", log.loadSnapshot());
    await rejectsWith("closed", log.trim(0n));
    await rejectsWith("closed", log.size());
    await log.close();
  });
}

function keptTests(define: DefineLog): void {
  define("segments come back whole, in order, about as much as asked for", async ({ log, backend, skip }) => {
    const sizes = [0, 1, 1000, 400_000, 1_500_000, 20_000_000, 10, 600_000];
    const segments = sizes.map((size) => randomBytes(size));
    for (const [index, bytes] of segments.entries()) await log.append(BigInt(index + 1), () => bytes);
    if (!backend.keepsData) return skip("the log keeps nothing");
    for (const limitBytes of [1, 1_000_000, 100_000_000]) {
      for (let after = 0n; after < BigInt(sizes.length); ) {
        const found = await log.read(after, limitBytes);
        assert.ok(found.length > 0, "one segment at least");
        for (const { sequence, bytes } of found) {
          assert.equal(sequence, ++after);
          assert.ok(bytes.equals(segments[Number(sequence) - 1]!), `segment ${sequence}`);
        }
      }
    }
    assert.deepEqual(await log.read(BigInt(sizes.length), READ_BYTES), []);
    assert.ok((await log.size()).total > 0n);
  });

  define("trimmed segments are gone, and the end stays where it is", async ({ log, backend, skip }) => {
    for (let sequence = 1n; sequence <= 20n; sequence++) await append(log, sequence);
    if (!backend.keepsData) return skip("the log keeps nothing");
    await log.trim(12n);
    await log.trim(5n);
    assert.equal(await log.last(), 20n);
    await rejectsWith("compacted", log.read(0n, READ_BYTES));
    await rejectsWith("compacted", log.read(11n, READ_BYTES));
    assert.equal((await log.read(12n, READ_BYTES))[0]?.sequence, 13n);
    await append(log, 21n);
    await log.close();
    const again = await backend.openLog();
    assert.equal(await again.last(), 21n);
    await rejectsWith("compacted", again.read(3n, READ_BYTES));
  });
}

function snapshotTests(define: DefineLog): void {
  define("the newest snapshot is kept, whatever its chunks", async ({ log, backend, skip }) => {
    for (let sequence = 1n; sequence <= 9n; sequence++) await append(log, sequence);
    if (!backend.keepsData) return skip("the log keeps nothing");
    const chunks = [10, 0, 3_000_000, 1, 500_000].map((size) => randomBytes(size));
    await log.saveSnapshot({ sequence: 5n, chunks: stream(chunks) });
    await expectSnapshot(log, 5n, chunks);
    await log.saveSnapshot({ sequence: 4n, chunks: stream([Buffer.from("older")]) });
    await expectSnapshot(log, 5n, chunks);
    await log.saveSnapshot({ sequence: 9n, chunks: stream([Buffer.from("newer")]) });
    await log.close();
    await expectSnapshot(await backend.openLog(), 9n, [Buffer.from("newer")]);
  });

  define("a snapshot that breaks off leaves the one before", async ({ log, backend, skip }) => {
    for (let sequence = 1n; sequence <= 9n; sequence++) await append(log, sequence);
    if (!backend.keepsData) return skip("the log keeps nothing");
    await log.saveSnapshot({ sequence: 5n, chunks: stream([Buffer.from("whole")]) });
    const broken = new Error("Ordered by the test");
    await assert.rejects(log.saveSnapshot({ sequence: 8n, chunks: stream([randomBytes(900_000)], broken) }));
    await expectSnapshot(log, 5n, [Buffer.from("whole")]);
    await log.saveSnapshot({ sequence: 8n, chunks: stream([Buffer.from("again")]) });
    await expectSnapshot(log, 8n, [Buffer.from("again")]);
  });
}

async function append(log: LogStorage, sequence: bigint): Promise<void> {
  await log.append(sequence, () => Buffer.from(`segment ${sequence}`));
}

async function* stream(chunks: readonly Buffer[], error?: Error): AsyncGenerator<Buffer> {
  yield* chunks;
  if (error) throw error;
}

async function expectSnapshot(log: LogStorage, sequence: bigint, chunks: readonly Buffer[]): Promise<void> {
  const snapshot = await log.loadSnapshot();
  assert.equal(snapshot?.sequence, sequence);
  const found: Buffer[] = [];
  for await (const chunk of snapshot.chunks) found.push(chunk);
  assert.ok(Buffer.concat(found).equals(Buffer.concat(chunks)), `the bytes of snapshot ${sequence}`);
}
