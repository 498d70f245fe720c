import type { ResponseHeader } from "../gen/etcdserverpb/header_pb.js";
import type { KeyValue } from "../gen/mvccpb/kv_pb.js";
import { intervalOf } from "../mvcc/keys.js";
import type { WatchHub } from "../mvcc/watch/hub.js";
import { view } from "./kv-request.js";
import type { LocalClient } from "./local-client.js";
import { firstCreated, prefixEnd } from "./queue.js";
import type { CallContext } from "./service.js";
import { eventsFrom } from "./waiting.js";

const NO_END: Buffer = Buffer.alloc(0);

export async function leaderOf(
  client: LocalClient,
  context: CallContext,
  prefix: Buffer,
): Promise<{ header: ResponseHeader; kv: KeyValue | undefined }> {
  const found = await client.range(context, firstCreated(prefix));
  return { header: found.header!, kv: found.kvs[0] };
}

export interface Leader {
  readonly kv: KeyValue;
  readonly revision: bigint;
}

/** Each leader, and each value that it proclaims, until the call ends. */
export async function* observeLeaders(
  client: LocalClient,
  hub: WatchHub,
  context: CallContext,
  prefix: Buffer,
): AsyncGenerator<Leader> {
  const { signal } = context;
  while (!signal.aborted) {
    const { header, kv } = await leaderOf(client, context, prefix);
    const leader = kv
      ? { kv, revision: header.revision }
      : await firstCandidate(hub, prefix, header.revision, signal);
    yield leader;
    const key = intervalOf(view(leader.kv.key), NO_END);
    for await (const event of eventsFrom(hub, key, leader.revision + 1n, signal)) {
      if (event.deleted) break;
      yield { kv: event.kv, revision: event.revision };
    }
  }
}

async function firstCandidate(
  hub: WatchHub,
  prefix: Buffer,
  revision: bigint,
  signal: AbortSignal,
): Promise<Leader> {
  const queue = { start: prefix, end: prefixEnd(prefix) };
  for await (const event of eventsFrom(hub, queue, revision, signal)) {
    if (!event.deleted) return { kv: event.kv, revision: event.kv.modRevision };
  }
  throw new Error("unreachable: the events end only by throwing");
}
