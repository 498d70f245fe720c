import { setTimeout as sleep } from "node:timers/promises";
import { KV } from "@etcd-adapter/core/proto/etcdserverpb/kv_pb";
import type { Member } from "./fleet.js";
import {
  type Compare,
  endOf,
  type History,
  type Operation,
  type Request,
  type Response,
  type Step,
} from "./history.js";
import type { Random } from "./random.js";
import { send } from "./wire.js";

const KEYS = Array.from({ length: 12 }, (_, index) => `k/${index % 2 ? "odd" : "even"}/${index}`);
const PREFIXES = ["k/", "k/even/", "k/odd/", ""];

/** Sends one random request after another, each through any adapter, and writes down what came of it. */
export class RandomClient {
  private count = 0;
  /** Where keys were seen last, so that compare-and-swaps succeed now and then. */
  private readonly known = new Map<string, bigint>();
  private newest = 1n;
  private readonly avoided = new Map<Member, number>();

  constructor(
    private readonly index: number,
    private readonly members: readonly Member[],
    private readonly history: History,
    private readonly random: Random,
  ) {}

  async run(stopped: AbortSignal, pauseMs: number): Promise<void> {
    while (!stopped.aborted) {
      const now = performance.now();
      const promising = this.members.filter((member) => (this.avoided.get(member) ?? 0) < now);
      if (promising.length > 0) await this.perform(this.random.pick(promising), this.request());
      await sleep(this.random.between(0, 2 * pauseMs));
    }
  }

  async perform(member: Member, request: Request): Promise<Operation> {
    const { incarnation } = member;
    const call = performance.now();
    const outcome = await send(member.client, request);
    const operation = { client: this.index, incarnation, call, return: performance.now(), request, outcome };
    this.history.operations.push(operation);
    if (outcome.type === "ok") this.learn(outcome.response);
    // A dead adapter refuses at once, a frozen one never answers: most of the history is to be about others.
    else this.avoided.set(member, performance.now() + this.random.between(0, 1_000));
    return operation;
  }

  put(key: string, lease = 0n): Request {
    return requestOf("put", [this.putStep(key, lease)]);
  }

  /** Compacts to well below what any watcher still needs. */
  async compact(member: Member, revision: bigint): Promise<void> {
    this.history.compactions.push(revision);
    await member.client.unary(KV.method.compact, { revision }, { timeoutMs: 3_000 }).catch(() => {});
  }

  private request(): Request {
    const { random } = this;
    const dice = random.next();
    if (dice < 0.3) return this.put(random.pick(KEYS));
    if (dice < 0.4) return requestOf("delete", [remove(random)]);
    if (dice < 0.6) return this.swap();
    if (dice < 0.68) return this.batch();
    const read = requestOf("get", [look(random)]);
    if (dice < 0.85) return read;
    if (dice < 0.95) return { ...read, serializable: true };
    return { ...read, at: this.newest > 20n ? this.newest - BigInt(random.below(15)) : 0n };
  }

  /** Compare-and-swap on what was seen last; the loser reads. */
  private swap(): Request {
    const key = this.random.pick(KEYS);
    const compare: Compare = { key, target: "mod", operand: this.known.get(key) ?? 0n };
    const success = [this.putStep(key, 0n), get(key)];
    return { ...requestOf("txn", success), compares: [compare], failure: [get(key)] };
  }

  /** Several keys in one revision, deletion and reads of its own writes among them. */
  private batch(): Request {
    const [first, second, third] = this.random.shuffle(KEYS) as [string, string, string];
    const compare: Compare = { key: first, target: this.random.pick(["create", "version"]), operand: 0n };
    const success = [this.putStep(first, 0n), this.putStep(second, 0n), get(first)];
    const failure: Step[] = [
      { type: "delete", key: first, end: "" },
      this.putStep(third, 0n),
      { type: "get", key: "k/", end: "k0" },
    ];
    return { ...requestOf("txn", success), compares: [compare], failure };
  }

  private putStep(key: string, lease: bigint): Step {
    // Some are large enough for buffers to fill up.
    const padding = this.random.chance(0.1) ? "x".repeat(2_000) : "";
    return { type: "put", key, value: `${this.index}:${this.count++}${padding}`, lease };
  }

  private learn({ revision, results }: Response): void {
    if (revision > this.newest) this.newest = revision;
    for (const result of results)
      if (result.type === "get") for (const kv of result.kvs) this.known.set(kv.key, kv.mod);
  }
}

export function requestOf(via: Request["via"], success: Step[]): Request {
  return { via, compares: [], success, failure: [], serializable: false, at: 0n };
}

function get(key: string): Step {
  return { type: "get", key, end: "" };
}

function remove(random: Random): Step {
  const key = random.pick(KEYS);
  return { type: "delete", key, end: random.chance(0.2) ? endOf(key) : "" };
}

function look(random: Random): Step {
  if (random.chance(0.5)) return get(random.pick(KEYS));
  const prefix = random.pick(PREFIXES);
  return { type: "get", key: prefix === "" ? "\0" : prefix, end: endOf(prefix) };
}
