/** Plays steps on one server and writes down, in comparable form, everything that it answered. */
import { type DescMessage, type MessageShape, toJson } from "@bufbuild/protobuf";
import { KV } from "@etcd-adapter/core/proto/etcdserverpb/kv_pb";
import { Lease } from "@etcd-adapter/core/proto/etcdserverpb/lease_pb";
import { Maintenance } from "@etcd-adapter/core/proto/etcdserverpb/maintenance_pb";
import {
  Watch,
  type WatchRequestSchema,
  type WatchResponse,
  WatchResponseSchema,
} from "@etcd-adapter/core/proto/etcdserverpb/watch_pb";
import { GrpcClient, RpcError, type RpcStream } from "../client/grpc-client.js";
import { type Json, normalise } from "./normalise.js";
import type { Near, Step } from "./steps.js";

type WatchCall = RpcStream<typeof WatchRequestSchema, typeof WatchResponseSchema>;

export class Player {
  private revision = 1n;
  private lastHistoryWatch = 0;
  private readonly compactions = new Set<bigint>();
  private watches: WatchCall;
  private readonly client: GrpcClient;

  constructor(address: string) {
    this.client = new GrpcClient(address);
    this.watches = this.client.stream(Watch.method.watch);
  }

  async play(step: Step): Promise<Json> {
    try {
      return await this.attempt(step);
    } catch (error) {
      if (!(error instanceof RpcError)) throw error;
      return { error: { code: error.code, message: error.details } };
    }
  }

  private async attempt(step: Step): Promise<Json> {
    switch (step.kind) {
      case "range":
        return this.call(
          KV.method.range,
          { ...step.request, revision: this.near(step.revision) ?? 0n },
          step,
        );
      case "put":
        return this.call(KV.method.put, step.request, step);
      case "delete":
        return this.call(KV.method.deleteRange, step.request, step);
      case "txn":
        return this.call(KV.method.txn, step.request, step);
      case "compact":
        await this.historyRead();
        return this.compact(step);
      case "grant":
        return this.call(Lease.method.leaseGrant, { ID: step.id, TTL: step.ttl }, step);
      case "revoke":
        return this.call(Lease.method.leaseRevoke, { ID: step.id }, step);
      case "timeToLive":
        return this.call(Lease.method.leaseTimeToLive, { ID: step.id, keys: step.keys }, step);
      case "leases":
        return this.call(Lease.method.leaseLeases, {}, step);
      case "hash":
        return this.hash(step);
      case "keepAlive":
        return this.keepAlive(step.id);
      case "watch":
        return this.watch(step);
      case "cancelWatch":
        await this.historyRead();
        return this.cancelWatch(BigInt(step.index));
    }
  }

  /** What every watch of the run has seen, by its id, once no more comes; `enough` says when that may be. */
  watchLog(): Map<string, Json[]> {
    const log = new Map<string, Json[]>();
    for (const message of this.watches.received) {
      const id = message.watchId.toString();
      const entries = log.get(id) ?? [];
      log.set(id, entries);
      entries.push(...watchEntries(message));
    }
    return log;
  }

  close(): void {
    this.watches.cancel();
    this.client.close();
  }

  private async call<I extends DescMessage, O extends DescMessage>(
    method: Parameters<typeof this.client.unary<I, O>>[0],
    request: Parameters<typeof this.client.unary<I, O>>[1],
    step: Step,
  ): Promise<Json> {
    const response = await this.client.unary(method, request);
    this.noteRevision(response);
    return normalise(toJson(method.output, response) as Json, step);
  }

  private noteRevision(response: MessageShape<DescMessage>): void {
    const { header } = response as { header?: { revision: bigint } };
    if (header && header.revision > this.revision) this.revision = header.revision;
  }

  /** etcd reads a watch's history up to 100 ms late, and a compaction or a cancel that overtakes it ends the watch. */
  private async historyRead(): Promise<void> {
    const left = this.lastHistoryWatch + 300 - Date.now();
    if (left > 0) await new Promise((resolve) => setTimeout(resolve, left));
  }

  private near(near: Near | undefined): bigint | undefined {
    return near && this.revision + BigInt(near.offset);
  }

  private async compact(step: Extract<Step, { kind: "compact" }>): Promise<Json> {
    const revision = this.near(step.revision)!;
    const answer = await this.call(KV.method.compact, { revision, physical: step.physical }, step);
    this.compactions.add(revision);
    return answer;
  }

  /** A revision that was once compacted to is answered by etcd from a cache, see docs/differences.md. */
  private async hash(step: Extract<Step, { kind: "hash" }>): Promise<Json> {
    const revision = this.near(step.revision) ?? 0n;
    if (this.compactions.has(revision)) return "cached";
    return this.call(Maintenance.method.hashKV, { revision }, step);
  }

  private async keepAlive(id: bigint): Promise<Json> {
    const stream = this.client.stream(Lease.method.leaseKeepAlive);
    stream.send({ ID: id });
    const response = await stream.next();
    stream.halfClose();
    return response
      ? {
          ID: response.ID.toString(),
          TTL: response.TTL.toString(),
          revision: response.header!.revision.toString(),
        }
      : null;
  }

  /** Returns when the watch has ended, so that it's the same later events that it does not see. */
  private async cancelWatch(watchId: bigint): Promise<Json> {
    const messages = () => this.watches.received.filter((message) => message.watchId === watchId);
    const open = () =>
      messages().filter(({ created }) => created).length -
      messages().filter(({ canceled }) => canceled).length;
    const isOpen = open() > 0;
    this.watches.send({ requestUnion: { case: "cancelRequest", value: { watchId } } });
    if (!isOpen) return null;
    return (await this.watchesSaw(() => open() === 0)) ? null : "no answer";
  }

  private async watch(step: Extract<Step, { kind: "watch" }>): Promise<Json> {
    const created = () => this.watches.received.filter((message) => message.created);
    const before = created().length;
    const startRevision = this.near(step.start) ?? 0n;
    if (startRevision > 0n) this.lastHistoryWatch = Date.now();
    this.watches.send({ requestUnion: { case: "createRequest", value: { ...step.request, startRevision } } });
    const seen = await this.watchesSaw(() => created().length > before);
    return seen ? { created: created().at(-1)!.watchId.toString() } : "no answer";
  }

  private async watchesSaw(condition: () => boolean): Promise<boolean> {
    const deadline = Date.now() + 5_000;
    while (!condition() && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 2));
    return condition();
  }
}

/** Events one by one: how they are spread over messages is the server's choice. */
function watchEntries(message: WatchResponse): Json[] {
  const json = toJson(WatchResponseSchema, message) as { [key: string]: Json };
  const { header, events, fragment, watchId, ...rest } = json;
  const entries: Json[] = Object.keys(rest).length > 0 ? [rest as Json] : [];
  return entries.concat((events as Json[] | undefined) ?? []);
}
