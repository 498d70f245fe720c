import { createHash } from "node:crypto";
import type { QueryStorage } from "../storage/index.js";
import { SnapshotContent } from "./content.js";

/** As etcd's messages. */
const CHUNK_BYTES = 32 * 1024;

interface SnapshotChunk {
  readonly blob: Buffer;
  /** Bytes of the snapshot to come behind this one, the digest not counted. */
  readonly remaining: number;
}

/** A snapshot of the storage as it is now, in pieces, and as the last one its digest. */
export async function* snapshotChunks(storage: QueryStorage): AsyncGenerator<SnapshotChunk> {
  const content = await SnapshotContent.of(storage);
  const size = await content.size();
  const digest = createHash("sha256");
  let sent = 0;
  let held: Buffer | undefined;
  for await (const blob of inChunks(content.blocks({ size }))) {
    if (held) yield chunk(held, false);
    held = blob;
  }
  if (held) yield chunk(held, true);
  yield { blob: digest.digest(), remaining: 0 };

  function chunk(blob: Buffer, isLast: boolean): SnapshotChunk {
    digest.update(blob);
    sent += blob.length;
    // A snapshot that a compaction made longer than was foreseen must not seem to end early.
    return { blob, remaining: isLast ? 0 : Math.max(size - sent, 1) };
  }
}

async function* inChunks(blocks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let parts: Buffer[] = [];
  let bytes = 0;
  for await (const block of blocks) {
    for (let at = 0; at < block.length; ) {
      const part = block.subarray(at, at + CHUNK_BYTES - bytes);
      parts.push(part);
      bytes += part.length;
      at += part.length;
      if (bytes < CHUNK_BYTES) continue;
      yield Buffer.concat(parts);
      parts = [];
      bytes = 0;
    }
  }
  if (bytes > 0) yield Buffer.concat(parts);
}
