import type { Interval } from "../../storage/index.js";
import { contains } from "../keys.js";
import type { WatchEvent, WatchRevision } from "./event.js";
import type { Watcher } from "./watcher.js";

/** What a watcher asks to see; watchers that ask for the same share a group and its batches. */
export interface Subscription {
  readonly interval: Interval;
  readonly noPut: boolean;
  readonly noDelete: boolean;
  readonly prevKv: boolean;
}

/** Events of whole revisions for one group. One object for all its watchers: a transport may keep the encoded message by it. */
export interface EventBatch {
  /** The last revision in it. */
  readonly revision: bigint;
  readonly events: readonly Buffer[];
  readonly bytes: number;
}

export class WatchGroup {
  readonly watchers = new Set<Watcher>();
  /** Events of the running publication. */
  pending: WatchEvent[] = [];

  constructor(
    readonly name: string,
    readonly subscription: Subscription,
  ) {}

  /** The group's events of these revisions; undefined when there are none. */
  batch(revisions: readonly WatchRevision[], compacted: bigint): EventBatch | undefined {
    const { interval } = this.subscription;
    const events: WatchEvent[] = [];
    for (const revision of revisions) {
      for (const event of revision.events) {
        if (this.wants(event) && contains(interval, event.key)) events.push(event);
      }
    }
    return this.encode(events, compacted);
  }

  wants(event: WatchEvent): boolean {
    return !(event.deleted ? this.subscription.noDelete : this.subscription.noPut);
  }

  encode(events: readonly WatchEvent[], compacted: bigint): EventBatch | undefined {
    const last = events.at(-1);
    if (!last) return undefined;
    // As in etcd, the pair before is absent once its revision is compacted.
    const encoded = events.map((event) =>
      event.bytes(this.subscription.prevKv && event.revision - 1n >= compacted),
    );
    return {
      revision: last.revision,
      events: encoded,
      bytes: encoded.reduce((sum, bytes) => sum + bytes.length, 0),
    };
  }
}

export function groupName(subscription: Subscription): string {
  const { interval, noPut, noDelete, prevKv } = subscription;
  const end = interval.end === null ? "*" : interval.end.toString("hex");
  return `${interval.start.toString("hex")}-${end}-${Number(noPut)}${Number(noDelete)}${Number(prevKv)}`;
}
