import { randomBytes } from "node:crypto";
import type { Logger } from "pino";
import { EtcdError } from "../errors.js";
import type { QueryStorage } from "../storage/index.js";
import type { Committer } from "./committer.js";
import type { Draft } from "./draft.js";
import { retryRead } from "./faults.js";
import type { Follower } from "./follower.js";
import { type Guard, guarded } from "./guard.js";
import { decodeLease, encodeLease, leaseEntry, leaseOfEntry } from "./lease-entry.js";
import type { RegistryObserver } from "./registry-view.js";

/** etcd's smallest TTL: an election's time-out and a half. */
const MIN_TTL_SECONDS = 2n;
const MAX_TTL_SECONDS = 9_000_000_000n;
const CHECK_INTERVAL_MS = 500;
const REQUEST_TIMEOUT_MS = 7_000;
const EXPIRIES_A_TURN = 500;
/** A restarted etcd gives every lease its full time again, and an election's time-out. */
const RESTART_GRACE_MS = 1_000;
/** On a shared storage a renewal is written down when the last written one is older than this part of the TTL. */
const RENEWAL_SLACK = 8n;

interface Lease {
  readonly id: bigint;
  ttlSeconds: bigint;
  stamp: bigint;
  /** On this process's monotonic clock, milliseconds. */
  deadline: number;
  /** When this process made its last written renewal, or a bit before: nobody else counts from earlier. */
  writtenAt: number;
}

export interface LeaseStatus {
  /** Whole seconds left; -1n when there is no such lease. */
  readonly remainingSeconds: bigint;
  readonly grantedSeconds: bigint;
  readonly keys: readonly Buffer[];
}

/**
 * Leases live in the registry; time is measured by each adapter for itself, from when it saw a lease granted
 * or renewed, on its monotonic clock. No two clocks are ever compared, so a wrong clock or a stopped process
 * shortens no lease; and since a revocation is a commit like any other, one that races with a renewal loses
 * to whichever was committed first and is decided again.
 */
export class Lessor implements RegistryObserver {
  private readonly leases = new Map<bigint, Lease>();
  private readonly revocations = new Map<bigint, Promise<void>>();
  private timer: NodeJS.Timeout | undefined;
  private started = false;
  private expired = 0;

  constructor(
    private readonly storage: QueryStorage,
    private readonly follower: Follower,
    private readonly committer: Committer,
    private readonly logger: Logger,
  ) {}

  start(): void {
    this.follower.registry.observe(this);
    this.started = true;
    this.timer = setInterval(() => this.expire(), CHECK_INTERVAL_MS);
    this.timer.unref();
  }

  close(): void {
    clearInterval(this.timer);
  }

  onRegistry(key: string, value: Buffer | null): void {
    const id = leaseOfEntry(key);
    if (id === undefined) return;
    if (value === null) {
      this.leases.delete(id);
      return;
    }
    const { ttlSeconds, stamp } = decodeLease(value);
    const known = this.leases.get(id);
    if (known?.stamp === stamp) return;
    // Others may have seen the change long before: when it was made is known only to who made it.
    const lease = known ?? { id, ttlSeconds, stamp, deadline: 0, writtenAt: Number.NEGATIVE_INFINITY };
    this.leases.set(id, lease);
    Object.assign(lease, { ttlSeconds, stamp });
    this.extend(lease, performance.now() + (this.started ? 0 : RESTART_GRACE_MS));
  }

  /** Resolves with the granted lease; `id` 0n lets the server choose. */
  async grant(id: bigint, ttlSeconds: bigint, guard?: Guard): Promise<{ id: bigint; ttlSeconds: bigint }> {
    const granted = ttlSeconds < MIN_TTL_SECONDS ? MIN_TTL_SECONDS : ttlSeconds;
    return this.committer.propose({
      keys: [],
      bytes: 64,
      alarmed: "grows",
      evaluate: (draft) =>
        guarded(guard, draft, () => {
          if (ttlSeconds > MAX_TTL_SECONDS) throw new EtcdError("leaseTtlTooLarge");
          let chosen = id;
          while (chosen === 0n || (id === 0n && draft.registryGet(leaseEntry(chosen)))) chosen = randomId();
          const entry = leaseEntry(chosen);
          if (draft.registryGet(entry)) throw new EtcdError("leaseExists");
          draft.registryPut(entry, encodeLease({ ttlSeconds: granted, stamp: draft.head.sequence }));
          return { id: chosen, ttlSeconds: granted };
        }),
    });
  }

  /** Deletes the lease and, in one revision, its keys. */
  async revoke(id: bigint, guard?: Guard): Promise<void> {
    await this.committer.propose({
      keys: [],
      leases: [id],
      bytes: 64,
      alarmed: "shrinks",
      evaluate: (draft) => guarded(guard, draft, () => revokeLease(draft, id)),
    });
  }

  /** The granted TTL; 0n when there is no such lease. */
  async renew(id: bigint): Promise<bigint> {
    for (;;) {
      const lease = await this.find(id);
      if (!lease) return 0n;
      const now = performance.now();
      if (lease.deadline <= now) {
        await this.revokeExpired(lease);
      } else if (!this.storage.shared || now - lease.writtenAt <= this.slackMs(lease)) {
        this.extend(lease, now);
        return lease.ttlSeconds;
      } else {
        return (await this.writeRenewal(id)) ? lease.ttlSeconds : 0n;
      }
    }
  }

  async timeToLive(id: bigint, withKeys: boolean): Promise<LeaseStatus> {
    const lease = await this.find(id);
    if (!lease) return { remainingSeconds: -1n, grantedSeconds: 0n, keys: [] };
    const keys = withKeys ? await this.keys(id) : [];
    const leftMs = Math.max(0, lease.deadline - this.slackMs(lease) - performance.now());
    return { remainingSeconds: BigInt(Math.floor(leftMs / 1_000)), grantedSeconds: lease.ttlSeconds, keys };
  }

  async keys(id: bigint): Promise<readonly Buffer[]> {
    return (await retryRead(REQUEST_TIMEOUT_MS, () => this.storage.leaseKeys(id))).keys;
  }

  /** All leases, soonest to expire first. */
  async list(): Promise<bigint[]> {
    await this.catchUp();
    return [...this.leases.values()].sort((a, b) => a.deadline - b.deadline).map((lease) => lease.id);
  }

  private async find(id: bigint): Promise<Lease | undefined> {
    await this.catchUp();
    return this.leases.get(id);
  }

  /** What another adapter has granted or revoked just now may not have been read yet. */
  private async catchUp(): Promise<void> {
    if (this.storage.shared) await retryRead(REQUEST_TIMEOUT_MS, () => this.follower.catchUp());
  }

  private async writeRenewal(id: bigint): Promise<boolean> {
    const entry = leaseEntry(id);
    const before = performance.now();
    const written = await this.committer.propose({
      keys: [],
      bytes: 64,
      evaluate: (draft) => {
        const bytes = draft.registryGet(entry);
        if (!bytes) return false;
        const { ttlSeconds } = decodeLease(bytes);
        draft.registryPut(entry, encodeLease({ ttlSeconds, stamp: draft.head.sequence }));
        return true;
      },
    });
    const lease = this.leases.get(id);
    if (written && lease && lease.writtenAt < before) lease.writtenAt = before;
    return written;
  }

  /** Leases that this adapter found expired, and revoked. */
  get expiredCount(): number {
    return this.expired;
  }

  private expire(): void {
    const now = performance.now();
    let turns = EXPIRIES_A_TURN;
    for (const lease of this.leases.values()) {
      if (lease.deadline > now || this.revocations.has(lease.id)) continue;
      this.revokeExpired(lease).catch((error) => {
        this.logger.warn({ err: error, lease: lease.id.toString() }, "an expired lease is not revoked yet");
      });
      if (--turns === 0) return;
    }
  }

  private revokeExpired(lease: Lease): Promise<void> {
    const running = this.revocations.get(lease.id);
    if (running) return running;
    const revocation = this.committer
      .propose({
        keys: [],
        leases: [lease.id],
        bytes: 64,
        alarmed: "shrinks",
        evaluate: async (draft) => {
          // It may have been renewed, revoked or granted anew: what has been read since decides.
          const current = this.leases.get(lease.id);
          if (!current || current.deadline > performance.now()) return false;
          // So does a renewal in this very commit.
          const entry = draft.registryGet(leaseEntry(lease.id));
          if (!entry || decodeLease(entry).stamp !== current.stamp) return false;
          await revokeLease(draft, lease.id);
          return true;
        },
      })
      .then((isRevoked) => {
        if (isRevoked) this.expired++;
      })
      .finally(() => this.revocations.delete(lease.id));
    this.revocations.set(lease.id, revocation);
    return revocation;
  }

  private extend(lease: Lease, from: number): void {
    lease.deadline = from + Number(lease.ttlSeconds) * 1_000 + this.slackMs(lease);
  }

  /** How much later than its TTL a lease ends, so that renewals need not all be written down. */
  private slackMs(lease: Lease): number {
    return this.storage.shared ? Number((lease.ttlSeconds * 1_000n) / RENEWAL_SLACK) : 0;
  }
}

async function revokeLease(draft: Draft, id: bigint): Promise<void> {
  const entry = leaseEntry(id);
  if (!draft.registryGet(entry)) throw new EtcdError("leaseNotFound");
  const keys = await draft.leaseKeys(id);
  await draft.load(keys);
  for (const key of keys) draft.delete(key);
  draft.registryPut(entry, null);
}

/** A random positive int64. */
function randomId(): bigint {
  return BigInt.asUintN(63, randomBytes(8).readBigUInt64BE());
}
