import assert from "node:assert/strict";
import { test } from "node:test";
import { pino } from "pino";
import type { QueryStorage } from "../storage/index.js";
import { LogBackedStorage, ProcessLog, ProcessLogBackend } from "../storage/log/index.js";
import { Store } from "./store.js";
import { del, openStore, put, range, txn } from "./testing.js";

/** A store that writes down, commit by commit, how many keys were looked up and bytes of pages read for it. */
async function weighingStore(backend: ProcessLogBackend) {
  const storage = new LogBackedStorage(new ProcessLog(backend));
  const groups = [{ keys: 0, pageBytes: 0 }];
  const [since, get, range, commit] = [
    storage.since.bind(storage),
    storage.get.bind(storage),
    storage.range.bind(storage),
    storage.commit.bind(storage),
  ];
  storage.since = (request) => {
    groups.at(-1)!.keys += request.keys.length;
    return since(request);
  };
  storage.get = (request) => {
    groups.at(-1)!.keys += request.keys.length;
    return get(request);
  };
  storage.range = async (request) => {
    const page = await range(request);
    groups.at(-1)!.pageBytes += page.fields.length;
    return page;
  };
  storage.commit = async (...request) => {
    await commit(...request);
    groups.push({ keys: 0, pageBytes: 0 });
  };
  const store = new Store(storage, pino({ level: "silent" }));
  await store.start();
  return { store, groups };
}

test("what a group reads is bounded, by keys and by the bytes of pages, whatever waits", async () => {
  const backend = new ProcessLogBackend();
  const other = await openStore(backend);
  const value = "x".repeat(1024 * 1024);
  for (let n = 0; n < 12; n++) await other.put(put(`large/${n}`, value));
  const { store, groups } = await weighingStore(backend);

  const keys = Array.from({ length: 600 }, (_, n) => `key/${n}`);
  await Promise.all(keys.map((key) => store.put(put(key))));
  assert.deepEqual(
    groups.map((group) => group.keys),
    [256, 256, 88, 0],
  );

  groups.splice(0, Infinity, { keys: 0, pageBytes: 0 });
  const lists = Array.from({ length: 7 }, (_, n) => txn([put(`key/${n}`), range("large/", "large0")]));
  const answers = await Promise.all(lists.map((list) => store.txn(list)));
  for (const { responses } of answers)
    assert.equal(responses[1]!.type === "range" && responses[1]!.count, 12n);
  // Three lists of 12 MiB exceed the bound; no fourth is read with them.
  assert.deepEqual(
    groups.map(({ pageBytes }) => Math.floor(pageBytes / value.length)),
    [36, 36, 12, 0],
  );
  await Promise.all([store.close(), other.close()]);
});

const CALLS = ["head", "since", "get", "range", "changes", "commit"] as const;

/** A store whose storage counts its calls. */
async function countingStore(backend: ProcessLogBackend, shared = true) {
  const storage: QueryStorage = new LogBackedStorage(new ProcessLog(backend));
  const calls: Record<(typeof CALLS)[number], number> = {
    head: 0,
    since: 0,
    get: 0,
    range: 0,
    changes: 0,
    commit: 0,
  };
  for (const name of CALLS) {
    const method = storage[name].bind(storage) as (...args: unknown[]) => unknown;
    Object.assign(storage, {
      [name]: (...args: unknown[]) => {
        calls[name]++;
        return method(...args);
      },
    });
  }
  Object.assign(storage, { shared });
  const store = new Store(storage, pino({ level: "silent" }));
  await store.start();
  return { store, calls };
}

test("a key that was written lately is written again without a read, and one that was not with one", async () => {
  const { store, calls } = await countingStore(new ProcessLogBackend(), false);
  await store.put(put("a", "1"));
  const { since } = calls;
  for (let n = 0; n < 10; n++) {
    await store.put(put("a", `${n}`));
    await store.deleteRange(del("a"));
  }
  await store.txn(
    txn(
      [put("a", "2")],
      [
        {
          key: Buffer.from("a"),
          rangeEnd: Buffer.alloc(0),
          result: "equal",
          target: { field: "version", operand: 0n },
        },
      ],
    ),
  );
  assert.equal(calls.since, since);
  await store.put(put("b"));
  assert.equal(calls.since, since + 1);
  assert.deepEqual([calls.head, calls.get, calls.changes], [0, 0, 0]);
  await store.close();
});

test("what others made of a key that is known here is met by the next write", async () => {
  const backend = new ProcessLogBackend();
  const [{ store, calls }, other] = [await countingStore(backend), await openStore(backend)];
  for (let n = 0; n < 30; n++) {
    await store.put(put("a", `${n}`));
    if (n % 3 === 0) await other.deleteRange(del("a"));
    else await other.put(put("a", `other ${n}`));
    const absent = await store.txn(
      txn(
        [put("seen", "absent")],
        [
          {
            key: Buffer.from("a"),
            rangeEnd: Buffer.alloc(0),
            result: "equal",
            target: { field: "create", operand: 0n },
          },
        ],
      ),
    );
    assert.equal(absent.succeeded, n % 3 === 0, `round ${n}`);
  }
  assert.equal(calls.get, 0);
  await Promise.all([store.close(), other.close()]);
});
