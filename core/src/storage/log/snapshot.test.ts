import assert from "node:assert/strict";
import { test } from "node:test";
import { isStorageError } from "../errors.js";
import { REGISTRY } from "../model.js";
import { decodeSnapshot, encodeSnapshot } from "./snapshot.js";
import { State } from "./state.js";
import { change, commitOn, newestRange } from "./testing/commits.js";

const INTERVAL = { segments: 1000, bytes: 1e9 };

test("a snapshot gives back the state, however its bytes are cut", async () => {
  const state = sampleState();
  const bytes = Buffer.concat(await collect(encodeSnapshot(state.capture())));
  for (const pieceBytes of [2, 5, 1000, bytes.length]) {
    const restored = await decodeSnapshot(pieces(bytes, pieceBytes), INTERVAL);
    expectSame(restored, state);
    const next = commitOn(state.head, { revisions: [[change("k1", "next")]] });
    restored.apply(next, 10);
    assert.equal(restored.head, next.head);
  }
});

test("a snapshot in single bytes", async () => {
  const state = smallState();
  const chunks = await collect(encodeSnapshot(state.capture()));
  expectSame(await decodeSnapshot(pieces(Buffer.concat(chunks), 1), INTERVAL), state);
});

test("a snapshot is of one moment, whatever is committed and pruned while it is written", async () => {
  const state = sampleState();
  const before = Buffer.concat(await collect(encodeSnapshot(state.capture())));
  const chunks: Buffer[] = [];
  for await (const chunk of encodeSnapshot(state.capture())) {
    chunks.push(chunk);
    const revisions = [[change("k1", "later")], [change("new", "later", { lease: 4n })]];
    const registry = [{ key: "r1", value: null }];
    state.apply(commitOn(state.head, { revisions, registry, compacted: state.head.revision }), 10);
    while (state.prune(1000));
  }
  assert.ok(Buffer.concat(chunks).equals(before));
});

test("pruned versions are not in a snapshot", async () => {
  const state = sampleState();
  const unpruned = Buffer.concat(await collect(encodeSnapshot(state.capture()))).length;
  state.apply(commitOn(state.head, { compacted: state.head.revision }), 10);
  while (state.prune(1000));
  const pruned = await collect(encodeSnapshot(state.capture()));
  assert.ok(Buffer.concat(pruned).length < unpruned);
  expectSame(await decodeSnapshot(pieces(Buffer.concat(pruned), 100_000), INTERVAL), state);
});

test("a snapshot that lost or changed a byte is corrupt", async () => {
  const bytes = Buffer.concat(await collect(encodeSnapshot(smallState().capture())));
  for (let at = 0; at < bytes.length; at++) {
    const changed = Buffer.from(bytes);
    changed[at] = changed[at]! ^ 0x10;
    for (const broken of [changed, bytes.subarray(0, at)]) {
      await assert.rejects(decodeSnapshot(pieces(broken, 100), INTERVAL), (error) =>
        isStorageError(error, "corrupt"),
      );
    }
  }
});

function smallState(): State {
  const state = new State(INTERVAL);
  state.apply(
    commitOn(state.head, {
      revisions: [[change("a", "1"), change("b", "1", { lease: 9n })]],
      registry: [{ key: "r", value: Buffer.from("1") }],
    }),
    10,
  );
  return state;
}

/** Some hundred keys with a history, deletions, leases and a registry; more than one frame. */
function sampleState(): State {
  const state = smallState();
  for (let n = 0; n < 60; n++) {
    const revisions = Array.from({ length: 20 }, (_, k) => {
      const key = `k${(n * k) % 300}`;
      const deleted = (n + k) % 5 === 0;
      return [
        change(key, "x".repeat(n * 12), {
          deleted,
          lease: deleted ? 0n : BigInt(k % 3),
          previous: BigInt(n),
        }),
      ];
    });
    const registry = [{ key: `r${n % 7}`, value: n % 3 === 0 ? null : Buffer.from(`${n}`) }];
    state.apply(
      commitOn(state.head, { revisions, registry, compacted: n === 30 ? 200n : state.head.compacted }),
      10,
    );
  }
  return state;
}

function expectSame(actual: State, expected: State): void {
  const changes = { after: 0n, through: expected.head.revision, interval: null, limit: 1e6, previous: true };
  for (const read of [
    (state: State) => state.head,
    (state: State) => state.liveBytes,
    (state: State) => state.marks.positions,
    (state: State) => state.range(newestRange()),
    (state: State) => state.range({ ...newestRange(), revision: 250n }),
    (state: State) => state.changes(changes),
    (state: State) => state.since(REGISTRY),
    (state: State) => state.since({ ...REGISTRY, after: { sequence: 20n, revision: 250n }, limit: 1e6 }),
    (state: State) => state.leaseKeys(2n),
    (state: State) => state.commitId(1n),
    (state: State) => state.commitId(expected.head.sequence),
    (state: State) => state.commitId(expected.head.sequence + 1n),
  ]) {
    assert.deepEqual(outcome(read, actual), outcome(read, expected));
  }
}

function outcome(read: (state: State) => unknown, state: State): unknown {
  try {
    return read(state);
  } catch (error) {
    return String(error);
  }
}

async function collect(chunks: AsyncIterable<Buffer>): Promise<Buffer[]> {
  const collected: Buffer[] = [];
  for await (const chunk of chunks) collected.push(chunk);
  return collected;
}

async function* pieces(bytes: Buffer, pieceBytes: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += pieceBytes) yield bytes.subarray(at, at + pieceBytes);
}
