import { BoltFile } from "./bolt-file.js";
import { compactedRevision, rows } from "./etcd-snapshot.js";
import { checkSnapshotFile, readSnapshot } from "./snapshot-file.js";

/** Under etcdutl's names. */
export interface SnapshotStatus {
  /** Tells this file from another one. */
  readonly hash: number;
  readonly revision: number;
  /** Versions of keys, deletions among them. */
  readonly totalKey: number;
  /** Bytes. */
  readonly totalSize: number;
}

/** Checks the file, and counts what it holds. */
export async function snapshotStatus(path: string): Promise<SnapshotStatus> {
  const { kind, bytes, digest } = await checkSnapshotFile(path);
  const hash = digest?.readUInt32BE(0) ?? 0;
  if (kind === "adapter") {
    const { end } = await readSnapshot(path);
    return { hash, revision: Number(end.revision), totalKey: end.changes, totalSize: bytes };
  }
  const file = await BoltFile.open(path);
  try {
    let totalKey = 0;
    let revision = await compactedRevision(file);
    for await (const row of rows(file)) {
      totalKey++;
      if (row.revision > revision) revision = row.revision;
    }
    return { hash, revision: Number(revision > 1n ? revision : 1n), totalKey, totalSize: bytes };
  } finally {
    await file.close();
  }
}
