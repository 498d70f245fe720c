/** Pings, both ways. */

/** As many pings before their time are forgiven. */
const STRIKES_MAX = 2;

/** Without calls a client has no reason to ping more often. */
const IDLE_PING_INTERVAL_MS = 2 * 60 * 60 * 1_000;

/** Judges a client's pings as Go's server does. */
export class PingPolicy {
  private lastPingAt = Number.NEGATIVE_INFINITY;
  private strikes = 0;

  constructor(
    private readonly minIntervalMs: number,
    private readonly permitWithoutCalls: boolean,
  ) {}

  /** False if the client has to go. After the server has sent something, a ping is free. */
  permits(now: number, hasCalls: boolean, hasSent: boolean): boolean {
    const interval = hasCalls || this.permitWithoutCalls ? this.minIntervalMs : IDLE_PING_INTERVAL_MS;
    const isEarly = now - this.lastPingAt < interval;
    this.lastPingAt = now;
    if (hasSent) this.strikes = 0;
    else if (isEarly) this.strikes += 1;
    return this.strikes <= STRIKES_MAX;
  }
}

/** Finds out whether a silent client is still there. */
export class Keepalive {
  private silentMs = 0;
  private isPinged = false;

  constructor(
    private readonly intervalMs: number,
    private readonly timeoutMs: number,
  ) {}

  /** Something came from the client. */
  heard(): void {
    this.silentMs = 0;
    this.isPinged = false;
  }

  pass(ms: number): "fine" | "ping" | "gone" {
    this.silentMs += ms;
    if (this.isPinged) return this.silentMs >= this.timeoutMs ? "gone" : "fine";
    if (this.silentMs < this.intervalMs) return "fine";
    this.isPinged = true;
    this.silentMs = 0;
    return "ping";
  }
}
