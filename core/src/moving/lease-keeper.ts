import { Lease } from "../gen/etcdserverpb/lease_pb.js";
import { pause } from "../mvcc/faults.js";
import type { Endpoint } from "./endpoint.js";

const ROUND_MS = 500;

/** Keeps leases alive while their keys are written: the clients that will do so have not moved yet. */
export class LeaseKeeper {
  private readonly due = new Map<bigint, { readonly everyMs: number; at: number }>();
  private closed = false;
  private running: Promise<void> | undefined;

  constructor(private readonly endpoint: Endpoint) {}

  keep(id: bigint, ttlSeconds: bigint): void {
    const everyMs = (Number(ttlSeconds) * 1_000) / 3;
    this.due.set(id, { everyMs, at: performance.now() + everyMs });
    this.running ??= this.run();
  }

  async close(): Promise<void> {
    this.closed = true;
    await this.running;
  }

  private async run(): Promise<void> {
    while (!this.closed) {
      await pause(ROUND_MS);
      const now = performance.now();
      const ids = [...this.due].filter(([, { at }]) => at <= now).map(([id]) => id);
      if (ids.length === 0) continue;
      try {
        await this.endpoint.exchange(
          Lease.method.leaseKeepAlive,
          ids.map((ID) => ({ ID })),
        );
        for (const id of ids) this.due.get(id)!.at = now + this.due.get(id)!.everyMs;
      } catch {
        // The next round tries again; if one ends all the same, the comparison at the end tells.
      }
    }
  }
}
