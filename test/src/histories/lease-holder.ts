import { setTimeout as sleep } from "node:timers/promises";
import { Lease } from "@etcd-adapter/core/proto/etcdserverpb/lease_pb";
import type { RandomClient } from "./client.js";
import { requestOf } from "./client.js";
import type { Member } from "./fleet.js";
import type { Call, History, LeaseLife } from "./history.js";
import type { Random } from "./random.js";

const TIMEOUT_MS = 3_000;
/** So many lives later a holder's keys are used again: most of their leases have ended by then, but not all. */
const NAMES = 8;

/** Grants leases, attaches keys, keeps them alive through any adapter for a while, and lets go or revokes. */
export class LeaseHolder {
  private lives = 0;

  constructor(
    private readonly index: number,
    private readonly client: RandomClient,
    private readonly members: readonly Member[],
    private readonly history: History,
    private readonly random: Random,
  ) {}

  async run(stopped: AbortSignal): Promise<void> {
    while (!stopped.aborted) {
      const life = await this.grant();
      if (!life) {
        await sleep(50);
        continue;
      }
      this.history.leases.push(life);
      await this.attach(life.id);
      await this.hold(life, stopped);
    }
  }

  private async grant(): Promise<LeaseLife | undefined> {
    const ttlSeconds = 2n + BigInt(this.random.below(3));
    const member = this.random.pick(this.members);
    let id = 0n;
    const grant = await timed(async () => {
      const answer = await member.client.unary(
        Lease.method.leaseGrant,
        { TTL: ttlSeconds },
        { timeoutMs: TIMEOUT_MS },
      );
      id = answer.ID;
      return answer.TTL;
    });
    return id === 0n
      ? undefined
      : { id, ttlMs: Number(ttlSeconds) * 1_000, grant, keepAlives: [], revoke: undefined };
  }

  /** Three keys, one of which is then detached by a put without the lease. */
  private async attach(lease: bigint): Promise<void> {
    const member = () => this.random.pick(this.members);
    const prefix = `l/${this.index}/${this.lives++ % NAMES}`;
    for (const name of ["a", "b", "c"])
      await this.client.perform(member(), this.client.put(`${prefix}/${name}`, lease));
    await this.client.perform(member(), this.client.put(`${prefix}/c`));
    await this.client.perform(member(), requestOf("get", [{ type: "get", key: "l/", end: "l0" }]));
  }

  private async hold(life: LeaseLife, stopped: AbortSignal): Promise<void> {
    const rounds = this.random.below(5);
    for (let round = 0; round < rounds && !stopped.aborted; round++) {
      await sleep(this.random.between(0.05, 0.6) * life.ttlMs);
      const member = this.random.pick(this.members);
      const keepAlive = await timed(() => renew(member, life.id));
      life.keepAlives.push(keepAlive);
      if (keepAlive.answer === 0n) return;
    }
    if (!this.random.chance(0.3)) return;
    const member = this.random.pick(this.members);
    const call = performance.now();
    // Known before it returns: whoever sees the lease's end in between must find its reason.
    life.revoke = { call, return: Number.POSITIVE_INFINITY, answer: undefined };
    life.revoke = await timed(async () => {
      await member.client.unary(Lease.method.leaseRevoke, { ID: life.id }, { timeoutMs: TIMEOUT_MS });
      return 1n;
    });
    if (this.random.chance(0.5))
      life.keepAlives.push(await timed(() => renew(this.random.pick(this.members), life.id)));
  }
}

async function timed(run: () => Promise<bigint>): Promise<Call> {
  const call = performance.now();
  const answer = await run().catch(() => undefined);
  return { call, return: performance.now(), answer };
}

async function renew(member: Member, id: bigint): Promise<bigint> {
  const stream = member.client.stream(Lease.method.leaseKeepAlive);
  try {
    stream.send({ ID: id });
    const answer = await stream.next(TIMEOUT_MS);
    if (!answer) throw new Error("no answer");
    return answer.TTL;
  } finally {
    stream.cancel();
  }
}

/** The leases that an adapter lists. */
export async function listed(member: Member): Promise<bigint[]> {
  const { leases } = await member.client.unary(Lease.method.leaseLeases, {}, { timeoutMs: TIMEOUT_MS });
  return leases.map(({ ID }) => ID);
}
