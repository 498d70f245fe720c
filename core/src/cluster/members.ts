import { isDeepStrictEqual } from "node:util";
import type { Logger } from "pino";
import type { Identity } from "../api/header.js";
import type { RegistryObserver } from "../mvcc/registry-view.js";
import type { Store } from "../mvcc/store.js";
import { clusterIdOf } from "./cluster-id.js";
import { enter } from "./enter.js";
import {
  decodeMember,
  encodeMember,
  type Member,
  type MemberEntry,
  memberEntry,
  memberOfEntry,
} from "./member-entry.js";
import { endRun } from "./process.js";

export interface MembersOptions {
  readonly name: string;
  readonly clientUrls: readonly string[];
  /** There are no peers to talk to; etcd's clients want addresses all the same. The client URLs if absent. */
  readonly peerUrls?: readonly string[];
  /** How often a member shows that it lives … */
  readonly renewalMs?: number;
  /** … and after how long a silence the others take it from the list. */
  readonly silenceMs?: number;
}

type Timing = Required<Pick<MembersOptions, "renewalMs" | "silenceMs">>;

const RENEWAL_MS = 10_000;
const SILENCE_MS = 35_000;
const LEAVE_TIMEOUT_MS = 2_000;

interface Seen {
  readonly entry: MemberEntry;
  /** On this process's monotonic clock. */
  readonly at: number;
}

/**
 * The live adapters of one backend, each an entry of the registry. An entry is renewed at a low rate; every adapter
 * measures for itself, on its monotonic clock, how long it has not seen another one's entry change, and removes it
 * when that is too long. No two clocks are compared. A member that was only stopped for a while comes back with its
 * next renewal.
 */
export class Members implements RegistryObserver {
  private readonly seen = new Map<bigint, Seen>();
  private readonly timer: NodeJS.Timeout;
  private closed = false;

  private constructor(
    private readonly store: Store,
    private readonly options: MembersOptions & Timing,
    private readonly logger: Logger,
    readonly identity: Identity,
    private own: MemberEntry,
  ) {
    store.follower.registry.observe(this);
    const { renewalMs } = options;
    this.timer = setInterval(() => this.turn(), renewalMs);
    this.timer.unref();
  }

  /** Takes this adapter into the list, under an id that no other live one has. */
  static async join(store: Store, options: MembersOptions, logger: Logger): Promise<Members> {
    const complete = {
      renewalMs: RENEWAL_MS,
      silenceMs: SILENCE_MS,
      ...options,
    };
    const clusterId = await clusterIdOf(store);
    const { name, clientUrls, peerUrls = clientUrls } = options;
    const own = await enter(store, clusterId, { name, clientUrls, peerUrls });
    return new Members(store, complete, logger, { clusterId, memberId: own.id }, own);
  }

  onRegistry(key: string, value: Buffer | null): void {
    const id = memberOfEntry(key);
    if (id === undefined) return;
    if (value === null) {
      this.seen.delete(id);
      return;
    }
    const entry = decodeMember(id, value);
    this.seen.set(id, { entry, at: performance.now() });
    if (id === this.own.id && entry.process.run !== this.own.process.run) {
      this.logger.warn(
        { member: entry },
        "another adapter has this one's name and URLs; give each its own --name",
      );
    }
  }

  /** The members, in the order of their ids as etcd lists them; `linearizable`: with all that joined before the call. */
  async list(linearizable: boolean): Promise<Member[]> {
    if (linearizable) await this.store.linearize();
    const members = Array.from(this.seen.values(), ({ entry }) => entry);
    return members.sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  /** Whether no live member has a lower id: for what one of all adapters should do. */
  get isFirst(): boolean {
    for (const id of this.seen.keys()) if (id < this.own.id) return false;
    return true;
  }

  has(id: bigint): boolean {
    return this.seen.has(id);
  }

  /** Tells the others of new client URLs, and of peer URLs that follow them; the id stays. */
  async announce(clientUrls: readonly string[]): Promise<void> {
    const peerUrls = this.options.peerUrls ?? clientUrls;
    if (isDeepStrictEqual([clientUrls, peerUrls], [this.own.clientUrls, this.own.peerUrls])) return;
    this.own = { ...this.own, clientUrls, peerUrls };
    await this.renew();
  }

  /** Leaves the list. The store must still be open. */
  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    clearInterval(this.timer);
    endRun(this.own.process);
    const left = this.remove(this.own).catch((error) => {
      this.logger.debug({ err: error }, "the member could not leave, the others will notice its silence");
    });
    let timeout: NodeJS.Timeout | undefined;
    const tooLong = new Promise<void>((resolve) => {
      timeout = setTimeout(resolve, LEAVE_TIMEOUT_MS);
    });
    await Promise.race([left, tooLong]);
    clearTimeout(timeout);
  }

  private turn(): void {
    // Nobody else looks where the storage has one user.
    if (!this.store.storage.shared) return;
    this.renew().catch((error) => this.logger.debug({ err: error }, "the membership is not renewed"));
    const now = performance.now();
    for (const { entry, at } of this.seen.values()) {
      if (entry.id === this.own.id || now - at <= this.options.silenceMs) continue;
      this.remove(entry).catch((error) =>
        this.logger.debug({ err: error }, "a silent member is not removed"),
      );
    }
  }

  private async renew(): Promise<void> {
    if (this.closed) return;
    this.own = { ...this.own, beat: this.own.beat + 1 };
    await this.store.committer.propose({
      keys: [],
      bytes: 256,
      evaluate: (draft) => draft.registryPut(memberEntry(this.own.id), encodeMember(this.own)),
    });
  }

  /** Removes a member, unless it has renewed since or another run has taken its place. */
  private async remove({ id, process, beat }: MemberEntry): Promise<void> {
    await this.store.committer.propose({
      keys: [],
      bytes: 64,
      evaluate: (draft) => {
        const bytes = draft.registryGet(memberEntry(id));
        if (!bytes) return;
        const entry = decodeMember(id, bytes);
        const isSame = entry.process.run === process.run && (id === this.own.id || entry.beat === beat);
        if (isSame) draft.registryPut(memberEntry(id), null);
      },
    });
  }
}
