import { Code, StatusError } from "../errors.js";
import type { ResponseHeader } from "../gen/etcdserverpb/header_pb.js";
import type { WatchHub } from "../mvcc/watch/hub.js";
import type { LocalClient } from "./local-client.js";
import { beyondCall, createdAt, queueKey, waitForPredecessors } from "./queue.js";
import type { CallContext } from "./service.js";

/** One stay in an election's queue: a key, and when it was created. */
export interface Term {
  readonly key: Uint8Array;
  readonly revision: bigint;
}

export interface Candidacy {
  readonly prefix: Buffer;
  readonly lease: bigint;
  readonly value: Uint8Array;
}

/** Takes a place in the queue, and resolves when it is the first. */
export async function campaign(
  client: LocalClient,
  hub: WatchHub,
  context: CallContext,
  { prefix, lease, value }: Candidacy,
): Promise<Term & { header: ResponseHeader }> {
  const key = queueKey(prefix, lease);
  const entered = await client.txn(context, {
    compare: [createdAt(key, 0n)],
    success: [{ request: { case: "requestPut", value: { key, value, lease } } }],
    failure: [{ request: { case: "requestRange", value: { key } } }],
  });
  const header = entered.header!;
  const response = entered.responses[0]?.response;
  const existing = response?.case === "responseRange" ? response.value.kvs[0] : undefined;
  const term = { key, revision: existing?.createRevision ?? header.revision };
  try {
    if (existing && !Buffer.from(existing.value).equals(value)) {
      await proclaimOrResign(client, context, term, lease, value);
    }
    await waitForPredecessors(client, hub, context, prefix, term.revision - 1n);
  } catch (error) {
    if (context.signal.aborted) await resign(client, beyondCall(context), term).catch(() => {});
    throw error;
  }
  return { ...term, header };
}

async function proclaimOrResign(
  client: LocalClient,
  context: CallContext,
  term: Term,
  lease: bigint,
  value: Uint8Array,
): Promise<void> {
  try {
    await proclaim(client, context, term, lease, value);
  } catch (error) {
    await resign(client, beyondCall(context), term).catch(() => {});
    throw error;
  }
}

export async function proclaim(
  client: LocalClient,
  context: CallContext,
  { key, revision }: Term,
  lease: bigint,
  value: Uint8Array,
): Promise<ResponseHeader> {
  const { header, succeeded } = await client.txn(context, {
    compare: [createdAt(key, revision)],
    success: [{ request: { case: "requestPut", value: { key, value, lease } } }],
  });
  if (!succeeded) throw new StatusError(Code.unknown, "election: not leader");
  return header!;
}

/** Leaves the queue; of no effect once the term is over. */
export async function resign(
  client: LocalClient,
  context: CallContext,
  { key, revision }: Term,
): Promise<ResponseHeader> {
  const { header } = await client.txn(context, {
    compare: [createdAt(key, revision)],
    success: [{ request: { case: "requestDeleteRange", value: { key } } }],
  });
  return header!;
}
