import { create } from "@bufbuild/protobuf";
import { type SnapshotRequestSchema, SnapshotResponseSchema } from "../gen/etcdserverpb/maintenance_pb.js";
import { snapshotChunks } from "../snapshot/index.js";
import type { QueryStorage } from "../storage/index.js";
import { ETCD_CLUSTER_VERSION } from "../version.js";
import type { StreamCall } from "./service.js";

type Call = StreamCall<typeof SnapshotRequestSchema, typeof SnapshotResponseSchema>;

/** Sends the storage's snapshot as fast as the client takes it. */
export async function sendSnapshot(storage: QueryStorage, call: Call): Promise<void> {
  const { signal } = call.context;
  let resume: (() => void) | undefined;
  call.onDrain(() => resume?.());
  signal.addEventListener("abort", () => resume?.(), { once: true });
  for await (const { blob, remaining } of snapshotChunks(storage)) {
    if (signal.aborted) return;
    const message = { blob, remainingBytes: BigInt(remaining), version: ETCD_CLUSTER_VERSION };
    const writable = new Promise<void>((resolve) => {
      resume = resolve;
    });
    if (!call.send(create(SnapshotResponseSchema, message)) && !signal.aborted) await writable;
  }
}
