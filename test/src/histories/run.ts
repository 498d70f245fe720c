import { setMaxListeners } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { Maintenance } from "@etcd-adapter/core/proto/etcdserverpb/maintenance_pb";
import { waitUntil } from "../servers/index.js";
import type { Victim } from "./backends.js";
import { RandomClient, requestOf } from "./client.js";
import type { Member } from "./fleet.js";
import { emptyHistory, type History, type Operation } from "./history.js";
import { LeaseHolder, listed } from "./lease-holder.js";
import { type MemoryLife, MemoryWatch } from "./memory.js";
import { type Harm, Nemesis } from "./nemesis.js";
import { Random } from "./random.js";
import { SharedChanges } from "./shared-changes.js";
import { Watcher, type WatcherOptions } from "./watcher.js";

export interface RunOptions {
  readonly seed: number;
  readonly clients: number;
  readonly leaseHolders: number;
  /** Milliseconds of writing under faults. */
  readonly stormMs: number;
  readonly harm: Harm;
  /** A client's mean pause between two requests. */
  readonly pauseMs: number;
  /** Takes a line now and then about how far it is. */
  readonly tell: (line: string) => void;
}

const TELL_EVERY_MS = 60_000;

export interface Run {
  readonly history: History;
  readonly faults: readonly string[];
  readonly faultCounts: ReadonlyMap<string, number>;
  readonly memory: readonly MemoryLife[];
  /** What went wrong beside the history. */
  readonly problems: string[];
  readonly watchers: number;
}

/** Clients, watchers and lease holders on all adapters under faults; then everything is repaired and comes to rest. */
export async function run(members: readonly Member[], victim: Victim, options: RunOptions): Promise<Run> {
  const random = new Random(options.seed);
  const fork = () => new Random(random.below(2 ** 31));
  const history = emptyHistory();
  const watching = new AbortController();
  const storm = new AbortController();
  setMaxListeners(0, watching.signal, storm.signal);
  const problems: string[] = [];

  const watchers = watchersOn(members, history, fork);
  const client = (index: number) => new RandomClient(index, members, history, fork());
  const clients = Array.from({ length: options.clients }, (_, index) => client(index));
  const holders = Array.from(
    { length: options.leaseHolders },
    (_, index) => new LeaseHolder(index, client(100 + index), members, history, fork()),
  );
  const last = client(999);
  const nemesis = new Nemesis(members, victim, fork(), options.harm);
  const followed = watchers.map((watcher) => watcher.run(watching.signal));
  const busy = [
    ...clients.map((one) => one.run(storm.signal, options.pauseMs)),
    ...holders.map((one) => one.run(storm.signal)),
    compact(last, members, watchers, storm.signal),
  ];
  const memory = new MemoryWatch(members);
  const harm = nemesis.run(storm.signal);
  const began = performance.now();
  const telling = setInterval(() => {
    const seconds = Math.round((performance.now() - began) / 1_000);
    const held = memory.current.map(({ incarnation, megabytes }) => `${incarnation} at ${megabytes} MB`);
    options.tell(
      `${seconds} of ${options.stormMs / 1_000} s: ${history.operations.length} calls, ${nemesis.done.length} faults, adapters ${held.join(", ")}`,
    );
  }, TELL_EVERY_MS);
  await sleep(options.stormMs);
  clearInterval(telling);
  storm.abort();
  await harm;
  await Promise.all(busy);

  try {
    await rest(members, last, watchers, problems);
  } catch (error) {
    problems.push(error instanceof Error ? `${error.message}: ${error.cause}` : String(error));
  }
  watching.abort();
  await Promise.all(followed);
  memory.stop();
  for (const watcher of watchers) problems.push(...watcher.faults);
  for (const member of members)
    if (!member.process.isRunning) problems.push(`adapter ${member.index} ended by itself`);
  return {
    ...{ history, problems, faults: nemesis.done, faultCounts: nemesis.counts, memory: memory.lives },
    watchers: watchers.length,
  };
}

function watchersOn(members: readonly Member[], history: History, fork: () => Random): Watcher[] {
  const plain = { prefix: "", withPrevious: false, mayJump: false, lazy: false };
  const options = members.flatMap((member): WatcherOptions[] => [
    { ...plain, name: `all/${member.index}`, members: [member] },
    { ...plain, name: `odd/${member.index}`, members: [member], prefix: "k/odd/", withPrevious: true },
  ]);
  const others: WatcherOptions[] = [
    { ...plain, name: "roaming", members, withPrevious: true },
    { ...plain, name: "jumping", members, mayJump: true },
    { ...plain, name: "lazy", members, withPrevious: true, lazy: true },
    { ...plain, name: "puts", members, filter: "deletions" },
    { ...plain, name: "deletions", members, filter: "puts", prefix: "k/" },
  ];
  const seen = new SharedChanges();
  return [...options, ...others].map((one) => new Watcher(one, history, fork(), seen));
}

async function compact(
  client: RandomClient,
  members: readonly Member[],
  watchers: readonly Watcher[],
  stopped: AbortSignal,
): Promise<void> {
  for (let turn = 0; !stopped.aborted; turn++) {
    await sleep(1_500);
    const needed = watchers.map(({ position }) => position).reduce((a, b) => (a < b ? a : b));
    const up = members.filter(({ down }) => !down);
    if (needed > 60n && up.length > 0) await client.compact(up[turn % up.length]!, needed - 50n);
  }
}

/** Waits until the leases have ended and every watcher has seen all; then the adapters must agree. */
async function rest(
  members: readonly Member[],
  client: RandomClient,
  watchers: readonly Watcher[],
  problems: string[],
): Promise<void> {
  const patience = { timeoutMs: 20_000, intervalMs: 50 };
  for (const member of members)
    await waitUntil(async () => {
      const leases = await listed(member);
      if (leases.length > 0) throw new Error(`adapter ${member.index} still lists ${leases.length} leases`);
    }, patience);
  // The last writes are seen by every watcher.
  for (const member of members) expectOk(await client.perform(member, client.put("k/odd/last")));
  const all = requestOf("get", [{ type: "get", key: "\0", end: "\0" }]);
  for (const member of members) {
    expectOk(await client.perform(member, all));
  }
  const head = await hashOf(members[0]!);
  await waitUntil(() => {
    const late = watchers.filter(({ position }) => position < head.revision).length;
    if (late > 0) throw new Error(`${late} watchers have not come to revision ${head.revision}`);
  }, patience);
  for (const member of members) {
    expectOk(await client.perform(member, { ...all, serializable: true }));
    const other = await waitUntil(() => hashOf(member), patience);
    if (other.text !== head.text)
      problems.push(`HashKV of adapter ${member.index} is ${other.text}, of adapter 0 ${head.text}`);
  }
}

async function hashOf(member: Member): Promise<{ revision: bigint; text: string }> {
  const answer = await member.client.unary(Maintenance.method.hashKV, { revision: 0n });
  const revision = answer.hashRevision;
  return { revision, text: `${answer.hash} at ${revision}, compacted at ${answer.compactRevision}` };
}

function expectOk({ outcome, incarnation }: Operation): void {
  if (outcome.type !== "ok")
    throw new Error(`adapter ${incarnation} does not answer after all is repaired: ${outcome.error}`);
}
