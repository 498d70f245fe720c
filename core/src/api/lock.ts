import { create } from "@bufbuild/protobuf";
import { EtcdError } from "../errors.js";
import type { ResponseHeader } from "../gen/etcdserverpb/header_pb.js";
import type { KeyValue } from "../gen/mvccpb/kv_pb.js";
import { Lock, LockResponseSchema, UnlockResponseSchema } from "../gen/v3lockpb/lock_pb.js";
import type { WatchHub } from "../mvcc/watch/hub.js";
import { type LocalClient, withoutCodes } from "./local-client.js";
import {
  beyondCall,
  createdAt,
  firstCreated,
  queueKey,
  queuePrefix,
  sessionLease,
  waitForPredecessors,
} from "./queue.js";
import { type CallContext, defineService, type Service } from "./service.js";

/** Locks as keys in a queue, each held by a lease: any client of the key space can take part. */
export function lockService(client: LocalClient, hub: WatchHub): Service {
  return defineService(Lock, {
    lock: (request, context) =>
      withoutCodes(async () => {
        const lease = await sessionLease(client, context, request.lease);
        const prefix = queuePrefix(request.name);
        const key = queueKey(prefix, lease);
        const header = await acquire(client, hub, context, { prefix, key, lease });
        return create(LockResponseSchema, { header, key });
      }),

    unlock: (request, context) =>
      withoutCodes(async () => {
        const { header } = await client.deleteRange(context, { key: request.key });
        return create(UnlockResponseSchema, { header: header! });
      }),
  });
}

interface Place {
  readonly prefix: Buffer;
  readonly key: Buffer;
  readonly lease: bigint;
}

async function acquire(
  client: LocalClient,
  hub: WatchHub,
  context: CallContext,
  place: Place,
): Promise<ResponseHeader> {
  const { header, own, owner } = await enqueue(client, context, place);
  if (!owner || owner.createRevision === own) return header;
  try {
    await waitForPredecessors(client, hub, context, place.prefix, own - 1n);
    const found = await client.range(context, { key: place.key });
    if (found.kvs.length > 0) return found.header!;
  } catch (error) {
    // Whoever gives up must not hold up those behind.
    await client.deleteRange(beyondCall(context), { key: place.key }).catch(() => {});
    throw error;
  }
  throw new EtcdError("sessionExpired");
}

/** Takes a place in the queue, or finds the one that the lease has in it already. */
async function enqueue(
  client: LocalClient,
  context: CallContext,
  { prefix, key, lease }: Place,
): Promise<{ header: ResponseHeader; own: bigint; owner: KeyValue | undefined }> {
  const getOwner = { request: { case: "requestRange" as const, value: firstCreated(prefix) } };
  const result = await client.txn(context, {
    compare: [createdAt(key, 0n)],
    success: [{ request: { case: "requestPut", value: { key, lease } } }, getOwner],
    failure: [{ request: { case: "requestRange", value: { key } } }, getOwner],
  });
  const [first, second] = result.responses;
  const header = result.header!;
  const owner = second?.response.case === "responseRange" ? second.response.value.kvs[0] : undefined;
  const existing = first?.response.case === "responseRange" ? first.response.value.kvs[0] : undefined;
  return { header, own: existing?.createRevision ?? header.revision, owner };
}
