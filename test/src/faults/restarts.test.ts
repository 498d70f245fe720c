import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { clusterBackends, type StorageBackend, startableBackends } from "../adapter/backends.js";
import { type AdapterProcess, startAdapterProcess } from "../adapter/start.js";
import { Random } from "../histories/random.js";
import { type ServerProcess, waitUntil } from "../servers/index.js";
import { messageOf } from "../servers/wait.js";
import { Belongings, Client, Watcher, type Write, write } from "./restarted.js";

/** A soak: ETCD_ADAPTER_TEST_BACKENDS=consul ETCD_ADAPTER_RESTART_ROUNDS=50 npm test -- restarts */
const SEED = Number(process.env.ETCD_ADAPTER_SEED ?? Date.now() % 2 ** 31);
const ROUNDS = Number(process.env.ETCD_ADAPTER_RESTART_ROUNDS ?? 2);
const WRITERS = 3;
/** That each adapter acknowledges between two rounds. */
const WRITES = 20;

interface Victim {
  readonly name: string;
  readonly process: ServerProcess;
  readonly crashSafe: boolean;
}

/** Ends all of them, one after another in random order: some in order, some by kill -9. */
async function endAll(victims: readonly Victim[], random: Random, log: Log): Promise<void> {
  for (const { name, process, crashSafe } of random.shuffle(victims)) {
    const kill = crashSafe && random.chance(0.5);
    log.note(`${kill ? "kill -9" : "stop"} ${name}`);
    await (kill ? process.kill9() : process.stop());
    await sleep(random.between(0, 200));
  }
}

/** Starts them in another order, each as a supervisor would: again and again until it stays up. */
async function startAll(victims: readonly Victim[], random: Random, log: Log): Promise<void> {
  const starting: Promise<void>[] = [];
  for (const { name, process } of random.shuffle(victims)) {
    log.note(`start ${name}`);
    starting.push(waitUntil(() => process.restart(), { timeoutMs: 60_000, intervalMs: 300 }));
    await sleep(random.between(0, 300));
  }
  await Promise.all(starting);
}

/** What was done and when, in seconds. */
class Log {
  readonly #began = performance.now();
  readonly #lines: string[] = [];

  note(what: string): void {
    this.#lines.push(`${((performance.now() - this.#began) / 1_000).toFixed(1)} s ${what}`);
  }

  toString(): string {
    return this.#lines.join(", ");
  }
}

async function survive(backend: StorageBackend, adapterCount: number, log: Log): Promise<string> {
  const random = new Random(SEED);
  const storage = await backend.fresh();
  const adapters = await Promise.all(
    Array.from({ length: adapterCount }, (_, index) =>
      startAdapterProcess(storage, { args: [`--name=adapter-${index}`] }),
    ),
  );
  const victims: Victim[] = [
    ...adapters.map((process, index) => ({ name: `adapter ${index}`, process, crashSafe: true })),
    ...backend.servers().map((process, index) => ({
      ...{ name: `${backend.name} ${index}`, process, crashSafe: backend.crashSafe },
    })),
  ];
  const stopped = new AbortController();
  const clients: Client[] = [];
  const clientOf = (adapter: AdapterProcess, token?: string) => {
    const client = new Client(adapter, token);
    clients.push(client);
    return client;
  };
  try {
    const belongings = new Belongings();
    const tokens = await belongings.make(clientOf(adapters[0]!));
    const roots = adapters.map((adapter) => clientOf(adapter, tokens.root));
    const users = adapters.map((adapter) => clientOf(adapter, tokens.user));
    const watchers = adapters.map(() => new Watcher());
    const made: Write[][] = adapters.map(() => []);
    const busy = [
      ...watchers.map((watcher, index) => watcher.run(roots[index]!, stopped.signal)),
      ...users.flatMap((user, index) =>
        Array.from({ length: WRITERS }, (_, n) => write(user, `${index}/${n}`, made[index]!, stopped.signal)),
      ),
    ];
    const allWrite = async () => {
      const enough = made.map(({ length }) => length + WRITES);
      const isEnough = () => assert.ok(made.every(({ length }, index) => length >= enough[index]!));
      await Promise.race([Promise.all(busy), waitUntil(isEnough, { timeoutMs: 60_000, intervalMs: 20 })]);
      for (const root of roots) await waitUntil(() => root.everything(), { timeoutMs: 20_000 });
    };
    for (let round = 0; round < ROUNDS; round++) {
      await allWrite();
      if (round === ROUNDS - 1) await belongings.grantLeases(random.pick(roots));
      await endAll(victims, random, log);
      await startAll(victims, random, log);
      log.note("all run");
    }
    await allWrite();

    log.note("all have written");
    // the short lease has its full time again since the restart
    for (const root of roots)
      await waitUntil(async () => belongings.check(root, users[roots.indexOf(root)]!), { timeoutMs: 20_000 });
    log.note("the short lease has ended");
    stopped.abort();
    await Promise.all(busy);
    await checkKeys(roots, watchers, made.flat());
    return `${made.flat().length} puts acknowledged, ${watchers[0]!.seen.size} revisions`;
  } finally {
    stopped.abort();
    for (const client of clients) client.close();
    await Promise.all(adapters.map((adapter) => adapter[Symbol.asyncDispose]()));
  }
}

/** Nothing acknowledged is lost or made twice, and every adapter and every watcher tells the same. */
async function checkKeys(roots: readonly Client[], watchers: readonly Watcher[], made: readonly Write[]) {
  const stopped = new AbortController();
  const watching = watchers.map((watcher, index) => watcher.run(roots[index]!, stopped.signal));
  const everything = await Promise.all(roots.map((root) => root.everything()));
  const { revision } = everything[0]!.header!;
  const arrived = () => {
    for (const { seen } of watchers) assert.ok(BigInt(seen.size) >= revision - 1n);
  };
  await waitUntil(arrived, { timeoutMs: 20_000 }).finally(() => stopped.abort());
  await Promise.all(watching);
  for (const { kvs, header } of everything) {
    assert.equal(header!.revision, revision);
    assert.deepEqual(kvs, everything[0]!.kvs);
  }
  const stored = new Map<string, bigint>();
  for (const { key, version, modRevision } of everything[0]!.kvs) {
    assert.equal(version, 1n, `${Buffer.from(key)} was written twice`);
    stored.set(Buffer.from(key).toString(), modRevision);
  }
  for (const { key, revision } of made) assert.equal(stored.get(key), revision, `${key} was acknowledged`);
  for (const { seen } of watchers) {
    assert.equal(BigInt(seen.size), revision - 1n, "the watcher saw every revision");
    for (const [key, modRevision] of stored) assert.equal(seen.get(modRevision), key);
  }
}

const CASES = [
  ...clusterBackends().map((backend) => ({ ...backend, adapters: 3 })),
  ...startableBackends()
    .filter(({ name }) => !["memory", "consul", "zookeeper"].includes(name))
    .map((backend) => ({ ...backend, adapters: 1 })),
];

for (const { name, start, adapters } of CASES)
  describe(`${adapters === 1 ? "an adapter" : `${adapters} adapters`} on ${name}, all restarted`, {
    timeout: 300_000,
  }, () => {
    const backend = start();
    test(`in any order, nothing is lost; seed ${SEED}`, async (t) => {
      const log = new Log();
      try {
        t.diagnostic(await survive(backend, adapters, log));
      } catch (error) {
        throw new Error(`${messageOf(error)}; ${log}`, { cause: error });
      }
    });
  });
