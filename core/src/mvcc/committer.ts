import { randomBytes } from "node:crypto";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { Logger } from "pino";
import { type AlarmedWrite, refuseByAlarm } from "../alarms/refusal.js";
import { EtcdError, StatusError } from "../errors.js";
import {
  asStorageError,
  type Commit,
  type Head,
  isStorageError,
  type News,
  type QueryStorage,
} from "../storage/index.js";
import { Contention } from "./contention.js";
import { Draft, NeedsCommit } from "./draft.js";
import { Backoff, clientError } from "./faults.js";
import type { Follower, HeadObserver } from "./follower.js";

/** A change to be made, as a function of the state that it meets; run again when that state turns out stale. */
export interface Proposal<T> {
  /** Keys that `evaluate` looks up one by one. */
  readonly keys: readonly Buffer[];
  /** Leases whose keys `evaluate` asks for; absent: none. */
  readonly leases?: readonly bigint[];
  /** Bytes that the proposal holds, for bounding what waits. */
  readonly bytes: number;
  /** Which alarms refuse it; absent: none does. */
  readonly alarmed?: AlarmedWrite;
  evaluate(draft: Draft): T | Promise<T>;
}

interface Waiting {
  readonly proposal: Proposal<unknown>;
  readonly deadline: number;
  resolve(value: unknown): void;
  reject(error: unknown): void;
  settled: boolean;
}

type Outcome = { readonly value: unknown } | { readonly error: unknown };

export interface CommitterLimits {
  /** Milliseconds after which a request fails with etcd's time-out. */
  readonly requestTimeoutMs: number;
  readonly groupProposals: number;
  readonly groupBytes: number;
  /** Keys that a group of several looks up one by one: each may have a value as large as a request. */
  readonly groupKeys: number;
  /** Leases of a group of several. Each is a read of its own, and whoever commits meanwhile makes all of them void. */
  readonly groupLeases: number;
  /** Bytes of pages that a group of several reads, all of which are held until it is committed. */
  readonly groupPageBytes: number;
  /** Proposals, and their bytes, that may wait before more are refused. */
  readonly queueProposals: number;
  readonly queueBytes: number;
}

export const DEFAULT_LIMITS: CommitterLimits = {
  requestTimeoutMs: 7_000,
  groupProposals: 1_000,
  groupBytes: 8 * 1024 * 1024,
  groupKeys: 256,
  groupLeases: 64,
  groupPageBytes: 32 * 1024 * 1024,
  queueProposals: 20_000,
  queueBytes: 128 * 1024 * 1024,
};

/**
 * Group commit. While one commit is in flight proposals queue; the next takes as many as the limits allow,
 * evaluates them one after another on the head and what those before them made, and appends the lot in one
 * backend transaction.
 */
export class Committer implements HeadObserver {
  /** Half of each commit's id; the other half counts. Random numbers for each would be felt. */
  private readonly idPrefix = randomBytes(8);
  private commits = 0;
  private queue: Waiting[] = [];
  private queuedBytes = 0;
  private inFlight: readonly Waiting[] = [];
  private troubles = 0;
  private readonly contention = new Contention();
  private running: Promise<void> | undefined;
  private closed = false;
  private readonly timer: NodeJS.Timeout;

  constructor(
    private readonly storage: QueryStorage,
    private readonly follower: Follower,
    private readonly logger: Logger,
    private readonly limits: CommitterLimits = DEFAULT_LIMITS,
  ) {
    this.timer = setInterval(() => this.expire(), 500);
    this.timer.unref();
    follower.observeHead(this);
  }

  onHead(head: Head): void {
    this.contention.saw(head);
  }

  /** Proposals that are not decided yet. */
  get pending(): number {
    return this.queue.length + (this.running ? this.inFlight.length : 0);
  }

  /** Proposals that failed by trouble with the storage, and not by a refusal of their own. */
  get failed(): number {
    return this.troubles;
  }

  propose<T>(proposal: Proposal<T>): Promise<T> {
    if (this.closed) return Promise.reject(new EtcdError("stopped"));
    if (
      this.queue.length >= this.limits.queueProposals ||
      this.queuedBytes + proposal.bytes > this.limits.queueBytes
    ) {
      return Promise.reject(new EtcdError("tooManyRequests"));
    }
    return new Promise<T>((resolve, reject) => {
      this.queue.push({
        proposal,
        deadline: performance.now() + this.limits.requestTimeoutMs,
        resolve: resolve as (value: unknown) => void,
        reject,
        settled: false,
      });
      this.queuedBytes += proposal.bytes;
      this.running ??= this.run();
    });
  }

  /** Refuses new proposals, lets those in flight end, and fails the rest. */
  async close(): Promise<void> {
    this.closed = true;
    clearInterval(this.timer);
    for (const waiting of this.queue) fail(waiting, new EtcdError("stopped"));
    this.queue = [];
    this.queuedBytes = 0;
    await this.running;
  }

  private async run(): Promise<void> {
    // What arrives in the same turn of the event loop shares the first commit.
    await nextTurn();
    while (this.queue.length > 0) {
      const group = this.takeGroup();
      this.inFlight = group;
      try {
        await this.commitGroup(group);
      } catch (error) {
        this.troubles += group.length;
        for (const waiting of group) fail(waiting, error);
      }
    }
    this.running = undefined;
  }

  private takeGroup(): Waiting[] {
    const { groupProposals, groupBytes, groupKeys, groupLeases } = this.limits;
    let bytes = 0;
    let keys = 0;
    let leases = 0;
    let size = 0;
    for (const { proposal } of this.queue) {
      keys += proposal.keys.length;
      leases += proposal.leases?.length ?? 0;
      if (size >= groupProposals) break;
      if (size > 0 && (keys > groupKeys || leases > groupLeases || bytes + proposal.bytes > groupBytes))
        break;
      bytes += proposal.bytes;
      size++;
    }
    this.queuedBytes -= bytes;
    const group = this.queue.slice(0, size);
    this.queue = this.queue.slice(size);
    return group;
  }

  private putBack(rest: Waiting[]): void {
    this.queue = rest.concat(this.queue);
    for (const { proposal } of rest) this.queuedBytes += proposal.bytes;
  }

  /** Settles every proposal of the group, or puts it back. Retries until the outcome is certain. */
  private async commitGroup(whole: Waiting[]): Promise<void> {
    const backoff = new Backoff();
    for (let stale = false; ; stale = true) {
      const group = whole.filter((waiting) => !waiting.settled);
      if (group.length === 0) return;
      try {
        if (await this.tryGroup(group, stale)) return;
      } catch (error) {
        const problem = asStorageError(error);
        if (problem.code !== "conflict" && problem.code !== "unavailable") throw clientError(problem);
        if (this.closed) throw new EtcdError("stopped", { cause: problem });
        if (problem.code === "unavailable") {
          this.logger.warn({ err: problem }, "storage is unavailable, trying again");
          await backoff.wait();
        }
      }
    }
  }

  /** One attempt; false when it has to be made again at once. `stale`: what is known here may not be the newest. */
  private async tryGroup(group: Waiting[], stale: boolean): Promise<boolean> {
    const reserve = this.storage.shared && this.contention.isOn;
    let isSent = false;
    try {
      const { draft, isNewest } = await this.draft(group, stale, reserve);
      const outcomes = await this.evaluate(draft, group);
      if (!draft.isEmpty) {
        isSent = true;
        await this.commit(draft);
      } else if (!isNewest && !(await this.isNewest(draft))) {
        return false;
      }
      this.settle(group, outcomes);
      return true;
    } finally {
      if (reserve && !isSent) void this.storage.release?.().catch(() => {});
    }
  }

  /** The state that the group is evaluated on, with its keys: known here, or read in one round trip with all else that is new. */
  private async draft(group: Waiting[], stale: boolean, reserve: boolean) {
    const keys = keysOf(group);
    const unknown = keys.filter((key) => !this.follower.keys.has(key));
    let news: News | undefined;
    if (stale || reserve || unknown.length > 0)
      news = await this.follower.read({ keys: unknown, linearizable: stale, reserve });
    const draft = new Draft(this.follower.head, this.storage, this.follower.registry);
    const isRead = news?.head.sequence === draft.base.sequence;
    if (news && isRead) for (const [index, key] of unknown.entries()) draft.know(key, news.fields[index]);
    for (const key of keys) {
      const known = this.follower.keys.get(key);
      if (known) draft.know(key, known.field);
    }
    await Promise.all([draft.load(keys), draft.loadLeases(leasesOf(group))]);
    return { draft, isNewest: stale && isRead };
  }

  private settle(group: Waiting[], outcomes: readonly Outcome[]): void {
    for (const [index, outcome] of outcomes.entries()) settle(group[index]!, outcome);
    if (outcomes.length < group.length) this.putBack(group.slice(outcomes.length));
  }

  /** Outcomes of the group's proposals, up to one that needs those before it to be committed first, or has read much. */
  private async evaluate(draft: Draft, group: Waiting[]): Promise<Outcome[]> {
    const outcomes: Outcome[] = [];
    for (const { proposal } of group) {
      if (draft.pageBytes > this.limits.groupPageBytes) break;
      try {
        if (proposal.alarmed) refuseByAlarm(draft, proposal.alarmed);
        const result = proposal.evaluate(draft);
        outcomes.push({ value: result instanceof Promise ? await result : result });
        draft.accept();
      } catch (error) {
        draft.reject();
        if (error instanceof NeedsCommit && outcomes.length > 0) return outcomes;
        const refusal = clientRefusal(error);
        if (!refusal) throw error;
        outcomes.push({ error: refusal });
      }
    }
    return outcomes;
  }

  /** Whether what was evaluated without a change still stands: somebody else may have committed since. */
  private async isNewest(draft: Draft): Promise<boolean> {
    if (!this.storage.shared) return true;
    const { head } = await this.follower.read({ keys: [], linearizable: true, reserve: false });
    return head.sequence === draft.base.sequence;
  }

  private async commit(draft: Draft): Promise<void> {
    const commit: Commit = {
      id: this.nextId(),
      base: draft.base,
      head: draft.head,
      revisions: draft.revisions,
      registry: draft.registryChanges,
    };
    this.contention.tries(commit);
    this.follower.sending(commit);
    try {
      await this.append(commit);
      this.follower.applyOwn(commit, draft.revisions);
    } catch (error) {
      const isLost = isStorageError(error, "conflict");
      if (isLost) this.contention.lost();
      this.follower.settled(isLost);
      throw error;
    }
    this.follower.settled();
  }

  private nextId(): Buffer {
    const id = Buffer.alloc(16);
    this.idPrefix.copy(id);
    id.writeUIntBE(this.commits++, 10, 6);
    return id;
  }

  /** Appends, and finds out what became of an append whose answer was lost: never guesses, never repeats it. */
  private async append(commit: Commit): Promise<void> {
    let sent = false;
    const backoff = new Backoff();
    for (;;) {
      try {
        await this.storage.commit(commit);
        return;
      } catch (error) {
        const problem = asStorageError(error);
        this.follower.settled();
        if (problem.code === "uncertain") sent = true;
        else if (!sent) throw problem;
        else if (problem.code === "conflict" && (await this.isCommitted(commit))) return;
        else if (problem.code !== "unavailable") throw problem;
        if (this.closed) throw new EtcdError("stopped", { cause: problem });
        this.logger.warn({ err: problem }, "a commit's outcome is unknown, asking the storage");
        await backoff.wait();
      }
    }
  }

  private async isCommitted(commit: Commit): Promise<boolean> {
    for (const backoff = new Backoff(); ; await backoff.wait()) {
      try {
        return (await this.storage.commitId(commit.head.sequence))?.equals(commit.id) ?? false;
      } catch (error) {
        if (!isStorageError(error, "unavailable") || this.closed) throw error;
      }
    }
  }

  private expire(): void {
    const before = this.queue.length;
    this.expireIn(this.inFlight);
    this.expireIn(this.queue);
    this.queue = this.queue.filter((waiting) => !waiting.settled);
    if (this.queue.length === before) return;
    this.queuedBytes = this.queue.reduce((sum, { proposal }) => sum + proposal.bytes, 0);
  }

  private expireIn(group: readonly Waiting[]): void {
    const now = performance.now();
    for (const waiting of group) {
      if (waiting.deadline > now || waiting.settled) continue;
      this.troubles++;
      fail(waiting, new EtcdError("timeout"));
    }
  }
}

function keysOf(group: readonly Waiting[]): Buffer[] {
  const keys: Buffer[] = [];
  for (const { proposal } of group) for (const key of proposal.keys) keys.push(key);
  return keys;
}

function leasesOf(group: readonly Waiting[]): bigint[] {
  const leases: bigint[] = [];
  for (const { proposal } of group) if (proposal.leases) leases.push(...proposal.leases);
  return leases;
}

/** The error of a proposal that can't be done, whoever tries; undefined for trouble with the storage. */
function clientRefusal(error: unknown): EtcdError | StatusError | undefined {
  if (error instanceof EtcdError || error instanceof StatusError) return error;
  if (isStorageError(error, "compacted")) return new EtcdError("compacted", { cause: error });
  if (isStorageError(error, "future")) return new EtcdError("futureRevision", { cause: error });
  return undefined;
}

function settle(waiting: Waiting, outcome: Outcome): void {
  if ("error" in outcome) fail(waiting, outcome.error);
  else if (!waiting.settled) {
    waiting.settled = true;
    waiting.resolve(outcome.value);
  }
}

function fail(waiting: Waiting, error: unknown): void {
  if (waiting.settled) return;
  waiting.settled = true;
  waiting.reject(error);
}
