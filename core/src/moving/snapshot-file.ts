import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import { BLOCK_BYTES, DIGEST_BYTES, FRAME, MAGIC, type SnapshotEnd } from "../snapshot/format.js";
import { readChangesFrame, readEndFrame, readRegistryFrame } from "../snapshot/frames.js";
import { readFrames } from "../snapshot/reader.js";
import type { LoggedChange } from "../storage/index.js";
import { isBolt } from "./bolt-file.js";
import { MovingError } from "./moving-error.js";

const READ_BYTES = 1024 * 1024;

export type SnapshotKind = "adapter" | "etcd";

export interface SnapshotFile {
  readonly kind: SnapshotKind;
  readonly bytes: number;
  /** SHA-256 of all before it, as the file says and as was found to be true; undefined for a database without one. */
  readonly digest: Buffer | undefined;
}

/** Reads a snapshot file through before anybody relies on it. Rejects with a sentence if it is none, or not whole. */
export async function checkSnapshotFile(path: string): Promise<SnapshotFile> {
  const file = await open(path).catch((error: NodeJS.ErrnoException) => {
    const reason = error.code === "ENOENT" ? "there is no such file" : error.message;
    throw new MovingError(`the snapshot ${path} can't be read: ${reason}.`, { cause: error });
  });
  const start = Buffer.alloc(READ_BYTES);
  const tail = Buffer.alloc(DIGEST_BYTES);
  let size: number;
  try {
    const stat = await file.stat();
    if (!stat.isFile()) throw new MovingError(`the snapshot ${path} can't be read: it is no file.`);
    size = stat.size;
    await file.read(start, 0, READ_BYTES, 0);
    await file.read(tail, 0, DIGEST_BYTES, Math.max(0, size - DIGEST_BYTES));
  } finally {
    await file.close();
  }
  const kind = kindOf(start);
  if (!kind) {
    throw new MovingError(`${path} is no snapshot: neither one of etcd-adapter nor one of etcd.`);
  }
  // etcd's database itself, copied from a data folder, has none, and ends with a block.
  if (kind === "etcd" && size % BLOCK_BYTES === 0) return { kind, bytes: size, digest: undefined };
  if (size % BLOCK_BYTES !== DIGEST_BYTES) throw new MovingError(`the snapshot ${path} ends too early.`);
  const hash = createHash("sha256");
  const content = createReadStream(path, { end: size - DIGEST_BYTES - 1, highWaterMark: READ_BYTES });
  for await (const bytes of content) hash.update(bytes as Buffer);
  if (!hash.digest().equals(tail)) {
    throw new MovingError(`the snapshot ${path} does not match its SHA-256: it is damaged or not whole.`);
  }
  return { kind, bytes: size, digest: tail };
}

function kindOf(start: Buffer): SnapshotKind | undefined {
  if (start.subarray(0, MAGIC.length).equals(MAGIC)) return "adapter";
  return isBolt(start) ? "etcd" : undefined;
}

export function snapshotBytes(path: string): AsyncIterable<Uint8Array> {
  return createReadStream(path, { highWaterMark: READ_BYTES });
}

export interface SnapshotReading {
  /** Sees every change in order. */
  onChanges?(changes: readonly LoggedChange[]): Promise<void>;
}

export interface SnapshotSummary {
  readonly end: { readonly revision: bigint; readonly compacted: bigint; readonly changes: number };
  readonly registry: ReadonlyMap<string, Buffer>;
}

/** Reads a snapshot of ours through, once. */
export async function readSnapshot(path: string, reading: SnapshotReading = {}): Promise<SnapshotSummary> {
  const registry = new Map<string, Buffer>();
  let end: SnapshotEnd | undefined;
  for await (const { kind, body } of readFrames(snapshotBytes(path))) {
    if (kind === FRAME.registry) {
      const { complete, entries } = readRegistryFrame(body);
      if (complete) registry.clear();
      for (const { key, value } of entries) {
        if (value) registry.set(key, value);
        else registry.delete(key);
      }
    }
    if (kind === FRAME.changes && reading.onChanges) {
      for (const { changes } of readChangesFrame(body)) await reading.onChanges(changes);
    }
    if (kind === FRAME.end) end = readEndFrame(body);
  }
  const { revision, compacted, changes } = end!;
  return { end: { revision: BigInt(revision), compacted: BigInt(compacted), changes }, registry };
}
