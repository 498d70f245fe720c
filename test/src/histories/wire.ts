import type { MessageInitShape } from "@bufbuild/protobuf";
import {
  Compare_CompareResult,
  Compare_CompareTarget,
  type CompareSchema,
  type DeleteRangeResponse,
  KV,
  type PutResponse,
  type RangeResponse,
  type RequestOpSchema,
} from "@etcd-adapter/core/proto/etcdserverpb/kv_pb";
import {
  type Event,
  Event_EventType,
  type KeyValue as WireKeyValue,
} from "@etcd-adapter/core/proto/mvccpb/kv_pb";
import { type GrpcClient, RpcError } from "../client/grpc-client.js";
import type { Change, Compare, KeyValue, Outcome, Request, Response, Step, StepResult } from "./history.js";

export const bytes = (text: string): Buffer => Buffer.from(text, "latin1");
const text = (data: Uint8Array): string => Buffer.from(data).toString("latin1");

/** Shorter than the adapter's own 7 s: what is given up here is often made later. */
const TIMEOUT_MS = 1_000;

/** Codes with which a write may have been made all the same. */
const UNKNOWN = new Set([1, 2, 4, 13, 14]);

export async function send(client: GrpcClient, request: Request): Promise<Outcome> {
  try {
    return { type: "ok", response: await call(client, request) };
  } catch (error) {
    if (!(error instanceof RpcError)) throw error;
    return { type: UNKNOWN.has(error.code) ? "unknown" : "refused", error: error.message };
  }
}

async function call(client: GrpcClient, request: Request): Promise<Response> {
  const timeoutMs = TIMEOUT_MS;
  const [step] = request.success;
  if (request.via === "put" && step?.type === "put") {
    const answer = await client.unary(KV.method.put, { ...wireStep(step), prevKv: true }, { timeoutMs });
    return { revision: answer.header!.revision, succeeded: true, results: [putResult(answer)] };
  }
  if (request.via === "delete" && step?.type === "delete") {
    const answer = await client.unary(
      KV.method.deleteRange,
      { ...wireStep(step), prevKv: true },
      { timeoutMs },
    );
    return { revision: answer.header!.revision, succeeded: true, results: [deleteResult(answer)] };
  }
  if (request.via === "get" && step?.type === "get") {
    const { serializable, at: revision } = request;
    const answer = await client.unary(
      KV.method.range,
      { ...wireStep(step), serializable, revision },
      { timeoutMs },
    );
    return { revision: answer.header!.revision, succeeded: true, results: [getResult(answer)] };
  }
  const answer = await client.unary(
    KV.method.txn,
    {
      compare: request.compares.map(wireCompare),
      success: request.success.map(wireOp),
      failure: request.failure.map(wireOp),
    },
    { timeoutMs },
  );
  const results = answer.responses.map(({ response }): StepResult => {
    if (response.case === "responsePut") return putResult(response.value);
    if (response.case === "responseDeleteRange") return deleteResult(response.value);
    if (response.case === "responseRange") return getResult(response.value);
    throw new Error(`a transaction answered with ${response.case}`);
  });
  return { revision: answer.header!.revision, succeeded: answer.succeeded, results };
}

export function changeOf(event: Event, withPrevious: boolean): Change {
  const change = { deleted: event.type === Event_EventType.DELETE, kv: keyValue(event.kv!) };
  return withPrevious ? { ...change, previous: event.prevKv && keyValue(event.prevKv) } : change;
}

function wireStep(step: Step) {
  if (step.type === "put") return { key: bytes(step.key), value: bytes(step.value), lease: step.lease };
  return { key: bytes(step.key), rangeEnd: bytes(step.end) };
}

function wireOp(step: Step): MessageInitShape<typeof RequestOpSchema> {
  if (step.type === "put")
    return { request: { case: "requestPut", value: { ...wireStep(step), prevKv: true } } };
  if (step.type === "delete")
    return { request: { case: "requestDeleteRange", value: { ...wireStep(step), prevKv: true } } };
  return { request: { case: "requestRange", value: wireStep(step) } };
}

function wireCompare({ key, target, operand }: Compare): MessageInitShape<typeof CompareSchema> {
  const fields = { key: bytes(key), result: Compare_CompareResult.EQUAL };
  if (target === "mod")
    return {
      ...fields,
      target: Compare_CompareTarget.MOD,
      targetUnion: { case: "modRevision", value: operand },
    };
  if (target === "create")
    return {
      ...fields,
      target: Compare_CompareTarget.CREATE,
      targetUnion: { case: "createRevision", value: operand },
    };
  return {
    ...fields,
    target: Compare_CompareTarget.VERSION,
    targetUnion: { case: "version", value: operand },
  };
}

function putResult({ prevKv }: PutResponse): StepResult {
  return { type: "put", previous: prevKv && keyValue(prevKv) };
}

function deleteResult({ prevKvs, deleted }: DeleteRangeResponse): StepResult {
  if (deleted !== BigInt(prevKvs.length)) throw new Error(`${deleted} deleted, ${prevKvs.length} told`);
  return { type: "delete", previous: prevKvs.map(keyValue) };
}

function getResult({ kvs, count, more }: RangeResponse): StepResult {
  if (more || count !== BigInt(kvs.length)) throw new Error(`${kvs.length} of ${count} without a limit`);
  return { type: "get", kvs: kvs.map(keyValue) };
}

function keyValue(kv: WireKeyValue): KeyValue {
  return {
    key: text(kv.key),
    value: text(kv.value),
    create: kv.createRevision,
    mod: kv.modRevision,
    version: kv.version,
    lease: kv.lease,
  };
}
