/** Pings on gRPC connections, both ways: etcd's three flags, and what Go's gRPC server makes of them. */

/** As the flags have them, in milliseconds. */
export interface KeepaliveFlags {
  /** Clients that ping more often are sent away. */
  readonly minTimeMs?: number | undefined;
  /** After so long without traffic a connection is pinged … */
  readonly intervalMs?: number | undefined;
  /** … and closed if no answer comes within this. */
  readonly timeoutMs?: number | undefined;
}

export type Keepalive = { readonly [K in keyof KeepaliveFlags]-?: number };

const ETCD_MIN_TIME_MS = 5_000;
const GO_MIN_TIME_MS = 5 * 60_000;
const GO_INTERVAL_MS = 2 * 60 * 60_000;
const GO_TIMEOUT_MS = 20_000;
const GO_INTERVAL_MS_LEAST = 1_000;

/** Zero or less leaves a setting to Go, whose own is stricter for clients; interval and timeout go together. */
export function keepaliveOf(flags: KeepaliveFlags): Keepalive {
  const { minTimeMs = ETCD_MIN_TIME_MS, intervalMs = GO_INTERVAL_MS, timeoutMs = GO_TIMEOUT_MS } = flags;
  const isSet = intervalMs > 0 && timeoutMs > 0;
  return {
    minTimeMs: minTimeMs > 0 ? minTimeMs : GO_MIN_TIME_MS,
    intervalMs: isSet ? Math.max(intervalMs, GO_INTERVAL_MS_LEAST) : GO_INTERVAL_MS,
    timeoutMs: isSet ? timeoutMs : GO_TIMEOUT_MS,
  };
}
