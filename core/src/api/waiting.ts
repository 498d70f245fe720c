import { fromBinary } from "@bufbuild/protobuf";
import { Code, EtcdError, StatusError } from "../errors.js";
import { WatchResponseSchema } from "../gen/etcdserverpb/watch_pb.js";
import { Event_EventType as EventType, type KeyValue } from "../gen/mvccpb/kv_pb.js";
import type { EventBatch } from "../mvcc/watch/group.js";
import type { WatchHub } from "../mvcc/watch/hub.js";
import type { Interval } from "../storage/index.js";

export interface KeyEvent {
  readonly deleted: boolean;
  readonly kv: KeyValue;
  /** The revision of the message that brought it. */
  readonly revision: bigint;
}

/** Events of the interval from a revision on, until the signal aborts or the caller stops. Rejects once compacted. */
export async function* eventsFrom(
  hub: WatchHub,
  interval: Interval,
  startRevision: bigint,
  signal: AbortSignal,
): AsyncGenerator<KeyEvent> {
  const batches: EventBatch[] = [];
  let isCompacted = false;
  let wake: (() => void) | undefined;
  const stream = hub.openStream({
    events: (_watcher, batch) => {
      batches.push(batch);
      wake?.();
      return batches.length < MAX_BATCHES;
    },
    compacted: () => {
      isCompacted = true;
      wake?.();
    },
    progress: () => {},
  });
  const onAbort = () => wake?.();
  signal.addEventListener("abort", onAbort);
  try {
    const watcher = stream.create({ interval, startRevision, ...EVERYTHING })!;
    stream.start(watcher);
    while (!signal.aborted) {
      const batch = batches.shift();
      if (batch) {
        yield* decode(batch);
        stream.drained();
        continue;
      }
      if (isCompacted) throw new EtcdError("compacted");
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
    throw canceled();
  } finally {
    signal.removeEventListener("abort", onAbort);
    stream.close();
  }
}

/** Resolves when the key is deleted after `revision`. */
export async function deletionOf(
  hub: WatchHub,
  interval: Interval,
  startRevision: bigint,
  signal: AbortSignal,
): Promise<void> {
  for await (const event of eventsFrom(hub, interval, startRevision, signal)) if (event.deleted) return;
}

export function canceled(): StatusError {
  return new StatusError(Code.canceled, "context canceled");
}

/** A waiter's client cannot be asked to slow down, but one that sends on what it gets can be waited for. */
const MAX_BATCHES = 16;

const EVERYTHING = {
  id: undefined,
  noPut: false,
  noDelete: false,
  prevKv: false,
  fragment: false,
  progressNotify: false,
};

function* decode(batch: EventBatch): Iterable<KeyEvent> {
  const { events } = fromBinary(WatchResponseSchema, Buffer.concat(batch.events));
  for (const { type, kv } of events) {
    if (kv) yield { deleted: type === EventType.DELETE, kv, revision: batch.revision };
  }
}
