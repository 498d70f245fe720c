import type { Logger } from "pino";
import type { Committer } from "../mvcc/committer.js";
import type { RegistryObserver, RegistryView } from "../mvcc/registry-view.js";

const PREFIX = "auth/session/";
const MIN_SWEEP_MS = 500;

interface Session {
  /** When this process last saw the token used. */
  usedAtMs: number;
  /** The newest use that was written down, whoever did; at first the token's issue. */
  recordedAtMs: number;
  entry: Buffer | undefined;
  recording: boolean;
}

export interface SessionsOptions {
  readonly ttlMs: number;
  /** Milliseconds since 1970; tokens and the notes of their use are compared by it, between adapters too. */
  readonly now: () => number;
}

/**
 * How long simple tokens live: as in etcd a TTL from their last use, on whichever adapter. A use is written to
 * the registry when the last one written is half a TTL old, so that a token in use costs two small writes a TTL,
 * one that is dropped soon (each etcdctl command makes one) none, and a restart or another adapter takes it to
 * live half a TTL longer than it would have.
 */
export class Sessions implements RegistryObserver {
  private readonly sessions = new Map<string, Session>();
  private readonly sweeper: NodeJS.Timeout;

  constructor(
    registry: RegistryView,
    private readonly committer: Pick<Committer, "propose">,
    private readonly options: SessionsOptions,
    private readonly logger: Logger,
    private readonly onEnd: (id: string) => void,
  ) {
    registry.observe(this);
    this.sweeper = setInterval(() => this.sweep(), Math.max(MIN_SWEEP_MS, options.ttlMs / 4));
    this.sweeper.unref();
  }

  close(): void {
    clearInterval(this.sweeper);
  }

  onRegistry(key: string, value: Buffer | null): void {
    if (!key.startsWith(PREFIX)) return;
    const id = key.slice(PREFIX.length);
    const session = this.sessions.get(id);
    if (value === null) {
      if (session) session.entry = undefined;
      return;
    }
    const recordedAtMs = value.readUIntBE(0, 6);
    if (!session) this.add(id, { usedAtMs: 0, recordedAtMs, entry: value });
    else {
      session.entry = value;
      session.recordedAtMs = Math.max(session.recordedAtMs, recordedAtMs);
    }
  }

  /** A token that was issued just now, here. */
  begin(id: string): void {
    const nowMs = this.options.now();
    this.add(id, { usedAtMs: nowMs, recordedAtMs: nowMs, entry: undefined });
  }

  /** Notes a use; false when the token has not been used for too long. */
  use(id: string, issuedAtMs: number): boolean {
    const nowMs = this.options.now();
    const session =
      this.sessions.get(id) ?? this.add(id, { usedAtMs: 0, recordedAtMs: issuedAtMs, entry: undefined });
    if (!this.isAlive(session, nowMs)) return false;
    session.usedAtMs = nowMs;
    if (nowMs - session.recordedAtMs > this.options.ttlMs / 2 && !session.recording)
      this.record(id, session, nowMs);
    return true;
  }

  private isAlive(session: Session, nowMs: number): boolean {
    const { usedAtMs, recordedAtMs } = session;
    if (nowMs <= usedAtMs + this.options.ttlMs) return true;
    return recordedAtMs > usedAtMs && nowMs <= recordedAtMs + 1.5 * this.options.ttlMs;
  }

  private add(id: string, values: Omit<Session, "recording">): Session {
    const session = { ...values, recording: false };
    this.sessions.set(id, session);
    return session;
  }

  private record(id: string, session: Session, nowMs: number): void {
    session.recording = true;
    const value = Buffer.alloc(6);
    value.writeUIntBE(nowMs, 0, 6);
    this.committer
      .propose({ keys: [], bytes: 64, evaluate: (draft) => draft.registryPut(PREFIX + id, value) })
      // Nobody waits for it: if it fails, the next use tries again.
      .catch((error) => this.logger.debug({ err: error }, "a token's use was not written down"))
      .finally(() => {
        session.recording = false;
      });
  }

  /** Forgets sessions only when they are dead for every adapter: a forgotten one counts as just issued. */
  private sweep(): void {
    const nowMs = this.options.now();
    const ended: [string, Buffer][] = [];
    for (const [id, session] of this.sessions) {
      if (nowMs <= Math.max(session.usedAtMs, session.recordedAtMs) + 1.5 * this.options.ttlMs) continue;
      this.onEnd(id);
      if (session.entry) ended.push([PREFIX + id, session.entry]);
      else this.sessions.delete(id);
    }
    if (ended.length > 0) this.remove(ended);
  }

  private remove(ended: readonly [string, Buffer][]): void {
    this.committer
      .propose({
        keys: [],
        bytes: 64 * ended.length,
        evaluate: (draft) => {
          for (const [entry, seen] of ended) {
            // Another adapter may have seen it used since.
            if (draft.registryGet(entry)?.equals(seen)) draft.registryPut(entry, null);
          }
        },
      })
      .catch((error) => this.logger.debug({ err: error }, "dead tokens are not removed yet"));
  }
}
