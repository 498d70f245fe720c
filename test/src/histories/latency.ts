import { KV } from "@etcd-adapter/core/proto/etcdserverpb/kv_pb";
import { Watch } from "@etcd-adapter/core/proto/etcdserverpb/watch_pb";
import type { GrpcClient } from "../client/grpc-client.js";
import { bytes } from "./wire.js";

/** Sorted milliseconds from a put's call through one adapter to its event on the other, and to its answer. */
export async function putToWatch(
  writer: { readonly client: GrpcClient },
  reader: { readonly client: GrpcClient },
  samples: number,
  mostMs: number,
): Promise<{ event: number[]; answer: number[] }> {
  const stream = reader.client.stream(Watch.method.watch);
  stream.send({ requestUnion: { case: "createRequest", value: { key: bytes("latency") } } });
  await stream.next();
  const event: number[] = [];
  const answer: number[] = [];
  const deadline = performance.now() + mostMs;
  for (let index = 0; index < samples && performance.now() < deadline; index++) {
    const start = performance.now();
    const putting = writer.client
      .unary(KV.method.put, { key: bytes("latency"), value: bytes(`latency:${index}`) })
      .then(() => answer.push(performance.now() - start));
    const message = await stream.next(10_000);
    if (message?.events.length !== 1) throw new Error(`no event of put ${index} within 10 s`);
    event.push(performance.now() - start);
    await putting;
  }
  stream.cancel();
  const ascending = (a: number, b: number) => a - b;
  return { event: event.sort(ascending), answer: answer.sort(ascending) };
}

export function percentiles(sorted: readonly number[]): string {
  const at = (part: number) =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))]!.toFixed(1);
  return `p50 ${at(0.5)} ms, p99 ${at(0.99)} ms`;
}
