import { MEMBER_PREFIX } from "../cluster/member-entry.js";
import { hashKeySpace } from "../mvcc/hash.js";
import { RESTORE_ENTRY, type Restored, restoreSnapshot } from "../snapshot/index.js";
import { EMPTY_HEAD, isStorageError, type QueryStorage, REGISTRY } from "../storage/index.js";
import { type Copying, refuseOtherData, snapshotOf, verifyRows } from "./copying.js";
import { LiveRows } from "./live-rows.js";
import { MovingError } from "./moving-error.js";
import { grouped } from "./progress.js";
import { compare, reconcile } from "./reconcile.js";
import { checkSnapshotFile, snapshotBytes } from "./snapshot-file.js";
import { inUse, StorageTarget } from "./storage-target.js";

/** Into a plugin's storage: an empty one becomes the source's equal, with all revisions and history. */
export async function copyIntoStorage(
  label: string,
  storage: QueryStorage,
  copying: Copying,
): Promise<readonly string[]> {
  const {
    head,
    registry: { entries },
  } = await storage.since(REGISTRY);
  const unfinished = entries.find(({ key, value }) => key === RESTORE_ENTRY && value)?.value;
  const isEmpty = !unfinished && head.revision === EMPTY_HEAD.revision && head.compacted < 0n;
  const snapshot = await snapshotOf(copying, unfinished !== undefined);
  const { digest } = await checkSnapshotFile(snapshot);
  if (isEmpty && entries.some(({ key, value }) => key.startsWith(MEMBER_PREFIX) && value)) {
    throw new MovingError(
      `${label} is empty, but an adapter runs on it, or was killed; stop it, or use another.`,
    );
  }
  if (isEmpty || (unfinished && digest && unfinished.equals(digest))) {
    return restore(label, storage, snapshot, digest!, copying);
  }
  if (unfinished && !copying.overwrite) {
    throw new MovingError(
      `${label} holds a part of another copy or restore that has not ended; empty it, or replace that with --overwrite.`,
    );
  }
  return update(label, storage, snapshot, copying);
}

async function restore(
  label: string,
  storage: QueryStorage,
  snapshot: string,
  digest: Buffer,
  copying: Copying,
): Promise<readonly string[]> {
  const { source, progress } = copying;
  progress.begin("writing to the target", "versions");
  let restored: Restored;
  try {
    restored = await restoreSnapshot(snapshotBytes(snapshot), storage, {
      identity: digest,
      onProgress: (changes) => progress.at(changes),
    });
  } catch (error) {
    if (isStorageError(error, "conflict")) throw inUse(label, error);
    throw error;
  }
  progress.at(restored.changes);
  progress.end();
  const counted = `${grouped(restored.changes)} versions up to revision ${restored.revision}`;
  return [
    `copied ${counted} from ${source.label} to ${label}, with their revisions`,
    await verify(label, storage, snapshot, restored, copying),
  ];
}

async function verify(
  label: string,
  storage: QueryStorage,
  snapshot: string,
  end: Restored,
  { source, work, progress }: Copying,
): Promise<string> {
  const expected = await source.hash(end.revision, end.compacted);
  if (expected !== undefined) {
    const { hash } = await hashKeySpace(storage, end.revision);
    if (hash === expected) return `HashKV at revision ${end.revision} agrees: ${hash}`;
    throw new MovingError(
      `${label} is not equal to the source: HashKV at revision ${end.revision} is ${hash}, not ${expected}.`,
    );
  }
  const wanted = await LiveRows.of(snapshot, work.sorting("live"));
  try {
    return await verifyRows(wanted, new StorageTarget(label, storage), true, progress);
  } finally {
    await wanted.dispose();
  }
}

async function update(
  label: string,
  storage: QueryStorage,
  snapshot: string,
  { source, work, progress, overwrite }: Copying,
): Promise<readonly string[]> {
  const target = new StorageTarget(label, storage);
  const wanted = await LiveRows.of(snapshot, work.sorting("live"));
  try {
    const found = await compare(wanted, target, progress);
    const changed = found.missing + found.other > 0;
    if (changed && !overwrite) await refuseOtherData(target, found, work);
    if (changed) await reconcile(wanted, target, progress);
    const verified = await verifyRows(wanted, target, false, progress);
    if (!changed) return [`nothing to do: ${label} holds the same as ${source.label}`, verified];
    return [
      `replaced what ${label} held by what ${source.label} holds`,
      "not kept, since the target was in use: revisions and versions, and history",
      verified,
    ];
  } finally {
    await wanted.dispose();
  }
}
