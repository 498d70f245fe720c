import { EtcdError } from "../errors.js";
import {
  WatchCreateRequest_FilterType as FilterType,
  Watch,
  type WatchCreateRequest,
  type WatchRequest as WatchRequestMessage,
  type WatchRequestSchema,
  type WatchResponseSchema,
} from "../gen/etcdserverpb/watch_pb.js";
import { after, isEmpty } from "../mvcc/keys.js";
import type { EventBatch } from "../mvcc/watch/group.js";
import type { WatchRequest, WatchSink, WatchStream } from "../mvcc/watch/stream.js";
import type { Watcher } from "../mvcc/watch/watcher.js";
import type { Interval } from "../storage/index.js";
import { GRPC_OVERHEAD_BYTES, type GuardedApi } from "./api.js";
import { view } from "./kv-request.js";
import { defineService, type Service, type StreamCall } from "./service.js";
import { WatchMessages } from "./watch-message.js";

type Call = StreamCall<typeof WatchRequestSchema, typeof WatchResponseSchema>;

const EMPTY_RANGE = "mvcc: watcher range is empty";
const DUPLICATE_ID = "mvcc: duplicate watch ID provided on the WatchStream";
const FROM_KEY = Buffer.from([0]);

export function watchService(api: GuardedApi): Service {
  const messages = new WatchMessages(api.headers);
  return defineService(Watch, {
    watch: (call) => new WatchCall(api, messages, call).run(),
  });
}

/** One watch call: requests in, messages out, until the client or the server ends it. */
class WatchCall implements WatchSink {
  private readonly stream: WatchStream;

  constructor(
    private readonly api: GuardedApi,
    private readonly messages: WatchMessages,
    private readonly call: Call,
  ) {
    this.stream = api.store.watch.openStream(this);
  }

  async run(): Promise<void> {
    const { signal } = this.call.context;
    this.call.onDrain(() => this.stream.drained());
    const ended = new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      else signal.addEventListener("abort", () => resolve(), { once: true });
    });
    try {
      // A client that half-closes goes on receiving; only its going away, or the server's, ends the call.
      await Promise.race([this.read().then(() => ended), ended]);
    } finally {
      this.stream.close();
    }
    throw new EtcdError("watchCanceled");
  }

  events(watcher: Watcher, batch: EventBatch): boolean {
    const { maxRequestBytes } = this.api.limits;
    const large = batch.bytes >= maxRequestBytes + GRPC_OVERHEAD_BYTES && batch.events.length > 1;
    if (!watcher.options.fragment || !large) return this.call.send(this.messages.events(watcher.id, batch));
    let writable = true;
    for (const message of this.messages.fragments(watcher.id, batch, maxRequestBytes)) {
      writable = this.call.send(message);
    }
    return writable;
  }

  compacted(watcher: Watcher, compacted: bigint): void {
    this.call.send(this.messages.compacted(watcher.id, compacted));
  }

  progress(id: bigint, revision: bigint): void {
    this.call.send(this.messages.progress(id, revision));
  }

  private async read(): Promise<void> {
    for await (const request of this.call.requests) await this.handle(request);
  }

  private async handle({ requestUnion }: WatchRequestMessage): Promise<void> {
    switch (requestUnion.case) {
      case "createRequest":
        await this.create(requestUnion.value);
        return;
      case "cancelRequest":
        if (this.stream.cancel(requestUnion.value.watchId)) {
          this.call.send(this.messages.canceled(requestUnion.value.watchId, this.revision));
        }
        return;
      case "progressRequest":
        this.stream.requestProgress();
    }
  }

  private async create(message: WatchCreateRequest): Promise<void> {
    const revision = this.revision;
    const request = watchRequest(message);
    if (request.startRevision < 0n) {
      this.call.send(this.messages.refused(new EtcdError("compacted").message, revision));
      return;
    }
    const refusal = await this.api.auth.watchRefusal(
      this.call.context,
      request.interval.start,
      view(message.rangeEnd),
    );
    if (refusal !== undefined) {
      this.call.send(this.messages.refused(refusal, revision));
      return;
    }
    if (isEmpty(request.interval)) {
      this.call.send(this.messages.refused(EMPTY_RANGE, revision));
      return;
    }
    const watcher = this.stream.create(request);
    if (!watcher) {
      this.call.send(this.messages.refused(DUPLICATE_ID, revision));
      return;
    }
    this.call.send(this.messages.created(watcher.id, revision));
    this.stream.start(watcher);
  }

  private get revision(): bigint {
    return this.api.store.revision;
  }
}

function watchRequest(message: WatchCreateRequest): WatchRequest {
  return {
    interval: watchInterval(view(message.key), view(message.rangeEnd)),
    noPut: message.filters.includes(FilterType.NOPUT),
    noDelete: message.filters.includes(FilterType.NODELETE),
    prevKv: message.prevKv,
    id: message.watchId === 0n ? undefined : message.watchId,
    startRevision: message.startRevision,
    fragment: message.fragment,
    progressNotify: message.progressNotify,
  };
}

/** An empty key is the least one. */
function watchInterval(key: Buffer, rangeEnd: Buffer): Interval {
  const start = key.length === 0 ? FROM_KEY : Buffer.from(key);
  if (rangeEnd.length === 0) return { start, end: after(start) };
  if (rangeEnd.equals(FROM_KEY)) return { start, end: null };
  return { start, end: Buffer.from(rangeEnd) };
}
