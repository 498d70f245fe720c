import type { MessageInitShape } from "@bufbuild/protobuf";
import {
  Compare_CompareResult as CompareResult,
  type CompareSchema,
  Compare_CompareTarget as CompareTarget,
  type RangeRequestSchema,
  RangeRequest_SortOrder as SortOrder,
  RangeRequest_SortTarget as SortTarget,
} from "../gen/etcdserverpb/kv_pb.js";
import { intervalOf } from "../mvcc/keys.js";
import type { WatchHub } from "../mvcc/watch/hub.js";
import { view } from "./kv-request.js";
import type { LocalClient } from "./local-client.js";
import type { CallContext } from "./service.js";
import { canceled, deletionOf } from "./waiting.js";

/** etcd's lease for who brings none. */
const SESSION_TTL_SECONDS = 60n;

/** The lease to use: that given, or a new one which nobody keeps alive. */
export async function sessionLease(
  client: LocalClient,
  context: CallContext,
  lease: bigint,
): Promise<bigint> {
  if (lease !== 0n) return lease;
  return (await client.leaseGrant(context, { TTL: SESSION_TTL_SECONDS })).ID;
}

/** Keys below a name, in the order of whose creation locks and elections are won. */
export function queuePrefix(name: Uint8Array): Buffer {
  return Buffer.concat([name, Buffer.from("/")]);
}

export function queueKey(prefix: Buffer, lease: bigint): Buffer {
  return Buffer.concat([prefix, Buffer.from(lease.toString(16))]);
}

type RangeInit = MessageInitShape<typeof RangeRequestSchema>;

/** The oldest key of the queue. */
export function firstCreated(prefix: Buffer): RangeInit {
  return {
    key: prefix,
    rangeEnd: prefixEnd(prefix),
    limit: 1n,
    sortTarget: SortTarget.CREATE,
    sortOrder: SortOrder.ASCEND,
  };
}

export function createdAt(key: Uint8Array, revision: bigint): MessageInitShape<typeof CompareSchema> {
  return {
    key,
    result: CompareResult.EQUAL,
    target: CompareTarget.CREATE,
    targetUnion: { case: "createRevision", value: revision },
  };
}

/** Waits until every key of the queue that was created up to `revision` is gone. */
export async function waitForPredecessors(
  client: LocalClient,
  hub: WatchHub,
  context: CallContext,
  prefix: Buffer,
  revision: bigint,
): Promise<void> {
  for (;;) {
    if (context.signal.aborted) throw canceled();
    const newest: RangeInit = { ...firstCreated(prefix), sortOrder: SortOrder.DESCEND };
    const found = await client.range(context, { ...newest, maxCreateRevision: revision });
    const [last] = found.kvs;
    if (!last) return;
    const key = intervalOf(view(last.key), Buffer.alloc(0));
    await deletionOf(hub, key, found.header!.revision, context.signal);
  }
}

/** The context of a call that goes on after its client has gone. */
export function beyondCall(context: CallContext): CallContext {
  const { peer, transport } = context;
  return {
    metadata: (name) => context.metadata(name),
    signal: new AbortController().signal,
    peer,
    transport,
  };
}

/** The end of the keys that begin with `prefix`, which ends with a slash. */
export function prefixEnd(prefix: Buffer): Buffer {
  const end = Buffer.from(prefix);
  end[end.length - 1]! += 1;
  return end;
}
