/** grpc.testing.TestService, as gRPC's interop client calls it. */
import { setTimeout as sleep } from "node:timers/promises";
import { StatusError } from "../call/status.js";
import type { CallContext, Services, StreamCall } from "../service.js";
import { bytes, bytesOf, double, int, intOf, readFields, type WireField } from "./protobuf.js";

const INITIAL_METADATA = "x-grpc-test-echo-initial";
const TRAILING_METADATA = "x-grpc-test-echo-trailing-bin";
const LOAD_REPORT = "endpoint-load-metrics-bin";

/** Field numbers in SimpleRequest and StreamingOutputCallRequest. */
const Request = {
  responseSize: 2,
  parameters: 2,
  payload: 3,
  status: 7,
  oobReport: 8,
  fillServerId: 9,
  callReport: 11,
} as const;

let loadReport = Buffer.alloc(0);

export const interopServices: Services = {
  "grpc.testing.TestService": {
    EmptyCall: { kind: "unary", handle: () => Buffer.alloc(0) },
    UnaryCall: { kind: "unary", handle: unaryCall },
    CacheableUnaryCall: { kind: "unary", handle: unaryCall },
    StreamingOutputCall: { kind: "stream", clientStreams: false, handle: duplexCall },
    StreamingInputCall: { kind: "stream", clientStreams: true, handle: inputCall },
    FullDuplexCall: { kind: "stream", clientStreams: true, handle: duplexCall },
    HalfDuplexCall: { kind: "stream", clientStreams: true, handle: halfDuplexCall },
  },
  "xds.service.orca.v3.OpenRcaService": {
    StreamCoreMetrics: { kind: "stream", clientStreams: false, handle: streamMetrics },
  },
};

async function unaryCall(message: Buffer, context: CallContext): Promise<Buffer> {
  const request = readFields(message);
  const report = bytesOf(request, Request.callReport);
  echoMetadata(context, report === undefined ? {} : { [LOAD_REPORT]: toLoadReport(report) });
  failIfAsked(request);
  const serverId =
    intOf(request, Request.fillServerId) === 1 ? bytes(4, Buffer.from("this one")) : Buffer.alloc(0);
  return Buffer.concat([payload(intOf(request, Request.responseSize)), serverId]);
}

async function inputCall(call: StreamCall): Promise<void> {
  let total = 0;
  for await (const message of call.requests) {
    total += bytesOf(readFields(bytesOf(readFields(message), 1) ?? Buffer.alloc(0)), 2)?.length ?? 0;
  }
  call.send(int(1, total));
}

async function duplexCall(call: StreamCall): Promise<void> {
  echoMetadata(call.context, {});
  for await (const message of call.requests) await respond(call, message);
}

async function halfDuplexCall(call: StreamCall): Promise<void> {
  const messages: Buffer[] = [];
  for await (const message of call.requests) messages.push(message);
  for (const message of messages) await respond(call, message);
}

async function respond(call: StreamCall, message: Buffer): Promise<void> {
  const request = readFields(message);
  failIfAsked(request);
  const report = bytesOf(request, Request.oobReport);
  if (report !== undefined) loadReport = toLoadReport(report);
  for (const { number, bytes: parameters } of request) {
    if (number !== Request.parameters) continue;
    const [size, intervalUs] = [intOf(readFields(parameters), 1), intOf(readFields(parameters), 2)];
    if (intervalUs > 0) await sleep(intervalUs / 1_000, undefined, { signal: call.context.signal });
    call.send(payload(size));
  }
}

async function streamMetrics(call: StreamCall): Promise<void> {
  const { signal } = call.context;
  for (;;) {
    call.send(loadReport);
    await sleep(500, undefined, { signal });
  }
}

function echoMetadata(context: CallContext, more: Record<string, Buffer>): void {
  const initial = context.metadata.get(INITIAL_METADATA);
  const [trailing] = context.metadata.getBinary(TRAILING_METADATA);
  if (initial !== undefined) context.sendHeaders({ [INITIAL_METADATA]: initial });
  context.setTrailers({ ...more, ...(trailing !== undefined && { [TRAILING_METADATA]: trailing }) });
}

function failIfAsked(request: readonly WireField[]): void {
  const status = bytesOf(request, Request.status);
  if (status === undefined) return;
  const fields = readFields(status);
  const code = intOf(fields, 1);
  if (code !== 0) throw new StatusError(code, (bytesOf(fields, 2) ?? "").toString());
}

/** SimpleResponse or StreamingOutputCallResponse with a payload of zeros. */
function payload(size: number): Buffer {
  return bytes(1, size === 0 ? Buffer.alloc(0) : bytes(2, Buffer.alloc(size)));
}

/** TestOrcaReport as OrcaLoadReport: the same fields under other numbers. */
function toLoadReport(report: Buffer): Buffer<ArrayBuffer> {
  const NUMBERS: Readonly<Record<number, number>> = { 1: 1, 2: 2, 3: 4, 4: 5 };
  const parts = readFields(report).map(({ number, bytes: value }) =>
    number <= 2 ? double(number, value) : bytes(NUMBERS[number] ?? number, value),
  );
  return Buffer.concat(parts);
}
