import { setTimeout as sleep } from "node:timers/promises";
import {
  WatchCreateRequest_FilterType as Filter,
  Watch,
  type WatchResponse,
} from "@etcd-adapter/core/proto/etcdserverpb/watch_pb";
import type { RpcStream } from "../client/grpc-client.js";
import type { Member } from "./fleet.js";
import { type Delivery, endOf, type History, type WatchSegment } from "./history.js";
import type { Random } from "./random.js";
import type { SharedChanges } from "./shared-changes.js";
import { bytes, changeOf } from "./wire.js";

export interface WatcherOptions {
  readonly name: string;
  readonly prefix: string;
  readonly withPrevious: boolean;
  /** The adapters it may use: one, or any, which it then leaves now and then. */
  readonly members: readonly Member[];
  /** Whether a new stream may start at "now" instead of behind what was seen last. */
  readonly mayJump: boolean;
  /** Takes no messages for seconds, now and then, so that the server has to hold them back. */
  readonly lazy: boolean;
  /** What it asks not to be shown. */
  readonly filter?: "puts" | "deletions" | undefined;
}

const FILTERS = { puts: Filter.NOPUT, deletions: Filter.NODELETE };

type Stream = RpcStream<typeof Watch.method.watch.input, typeof Watch.method.watch.output>;

/** Watches all the time: after a broken stream it goes on from the revision behind the last one that it saw. */
export class Watcher {
  /** The last revision that it has seen, or has been told that there is nothing up to. */
  position = 1n;
  readonly faults: string[] = [];

  constructor(
    private readonly options: WatcherOptions,
    private readonly history: History,
    private readonly random: Random,
    private readonly seen: SharedChanges,
  ) {}

  async run(stopped: AbortSignal): Promise<void> {
    while (!stopped.aborted) {
      const member = this.random.pick(this.options.members);
      if (member.down) {
        await sleep(20);
        continue;
      }
      await this.follow(member, stopped);
      await sleep(20);
    }
  }

  private async follow(member: Member, stopped: AbortSignal): Promise<void> {
    const { prefix, withPrevious, mayJump, members, filter } = this.options;
    const { incarnation } = member;
    const jump = mayJump && this.random.chance(0.3);
    const startRevision = jump ? 0n : this.position + 1n;
    const stream = member.client.stream(Watch.method.watch);
    const cancel = () => stream.cancel();
    stopped.addEventListener("abort", cancel, { once: true });
    const key = prefix === "" ? "\0" : prefix;
    const request = {
      ...{ key: bytes(key), rangeEnd: bytes(endOf(prefix)), startRevision },
      ...{ prevKv: withPrevious, progressNotify: true, filters: filter ? [FILTERS[filter]] : [] },
    };
    stream.send({ requestUnion: { case: "createRequest", value: request } });
    const created = await stream.next(5_000);
    if (created?.created && !created.canceled) {
      const from = jump ? created.header!.revision + 1n : startRevision;
      const segment: WatchSegment = {
        watcher: this.options.name,
        gapless: !mayJump,
        ...{ incarnation, prefix, filter, withPrevious, from, deliveries: [], progress: [] },
      };
      const until = members.length > 1 ? performance.now() + this.random.between(500, 3_000) : Infinity;
      await this.receive(stream, segment, until, stopped);
    }
    stopped.removeEventListener("abort", cancel);
    stream.cancel();
  }

  private async receive(
    stream: Stream,
    segment: WatchSegment,
    until: number,
    stopped: AbortSignal,
  ): Promise<void> {
    this.history.segments.push(segment);
    while (!stopped.aborted && performance.now() < until) {
      if (this.options.lazy && this.random.chance(0.01)) await this.doze(stream, stopped);
      const message = await stream.next(500);
      if (!message) {
        if (stream.status) return;
        stream.send({ requestUnion: { case: "progressRequest", value: {} } });
        continue;
      }
      if (message.canceled) {
        this.faults.push(
          `${segment.watcher} on ${segment.incarnation} was cancelled: ${message.cancelReason}`,
        );
        return;
      }
      this.take(message, segment);
    }
  }

  private async doze(stream: Stream, stopped: AbortSignal): Promise<void> {
    stream.call.pause();
    await sleep(this.random.between(500, 4_000), undefined, { signal: stopped }).catch(() => {});
    stream.call.resume();
  }

  private take(message: WatchResponse, { deliveries, progress, withPrevious }: WatchSegment): void {
    const revision = message.header!.revision;
    if (message.events.length === 0) {
      progress.push({ revision, after: deliveries.length });
      if (revision > this.position) this.position = revision;
      return;
    }
    const at = performance.now();
    const found: Delivery[] = [];
    for (const event of message.events) {
      const last = found.at(-1);
      const change = this.seen.share(changeOf(event, withPrevious));
      if (last?.revision === change.kv.mod) (last.changes as (typeof change)[]).push(change);
      else found.push({ revision: change.kv.mod, at, changes: [change] });
    }
    deliveries.push(...found);
    const last = found.at(-1)!.revision;
    if (revision < last) this.faults.push(`a message of revision ${revision} holds revision ${last}`);
    if (last > this.position) this.position = last;
  }
}
