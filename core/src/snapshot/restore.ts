import { randomBytes } from "node:crypto";
import { decodeLease, encodeLease, leaseOfEntry } from "../mvcc/lease-entry.js";
import { encodeTombstone } from "../mvcc/record.js";
import {
  type Change,
  EMPTY_HEAD,
  type Head,
  type LoggedChange,
  type LoggedRevision,
  type QueryStorage,
  REGISTRY,
  type RegistryWrite,
  type Revision,
  StorageError,
} from "../storage/index.js";
import { FRAME, type SnapshotEnd } from "./format.js";
import { readChangesFrame, readEndFrame, readHeaderFrame, readRegistryFrame } from "./frames.js";
import { damaged, type Frame, readFrames } from "./reader.js";

/** In the registry while a restore is under way, and for ever if it failed: such a storage must not be served. */
export const RESTORE_ENTRY = "restore/unfinished";

const COMMIT_CHANGES = 2_000;
const COMMIT_BYTES = 4 * 1024 * 1024;
const PRUNE_ROWS = 1_000;
/** No client can write this one, and no range or watch reaches it. */
const FILLER_KEY: Buffer = Buffer.alloc(0);

export interface Restored {
  readonly revision: bigint;
  readonly compacted: bigint;
  readonly changes: number;
}

interface RestoreOptions {
  /** Tells this snapshot from others, such as its digest: only with one can the restore be taken up again. */
  readonly identity?: Buffer;
  /** Hears how many of the snapshot's changes are in the storage. */
  readonly onProgress?: (changes: number) => void;
}

/**
 * Fills an empty storage, opened by the caller, with what a snapshot holds, under the same revisions; or goes on where
 * an interrupted restore of the same snapshot ended. Rejects with `misconfigured` if the storage holds anything else
 * and with `corrupt` if the snapshot is damaged; the storage then holds a part that no adapter will serve.
 *
 * Revisions of which compaction has left nothing are left out. Of one that it has left a part of, the rest is filled with
 * deletions of a key that never was, which are then compacted away in turn.
 */
export async function restoreSnapshot(
  source: AsyncIterable<Uint8Array>,
  storage: QueryStorage,
  options: RestoreOptions = {},
): Promise<Restored> {
  const {
    head,
    registry: { entries },
  } = await storage.since(REGISTRY);
  const identity = options.identity ?? randomBytes(32);
  const unfinished = entries.find(({ key }) => key === RESTORE_ENTRY)?.value;
  // An adapter that was started on it once has written who it is, and no key yet.
  const isEmpty = !unfinished && head.revision === EMPTY_HEAD.revision && head.compacted < 0n;
  if (!isEmpty && !unfinished?.equals(identity)) {
    throw new StorageError("misconfigured", "a snapshot can be restored into an empty storage only");
  }
  const restore = new Restore(storage, head, identity, options);
  let end: SnapshotEnd | undefined;
  for await (const frame of readFrames(source)) end = await restore.take(frame);
  // Only here is the digest known to match.
  return restore.finish(end!);
}

/** Refuses a storage that a restore has left half filled. */
export function refuseUnfinishedRestore(registry: { get(key: string): Buffer | undefined }): void {
  if (!registry.get(RESTORE_ENTRY)) return;
  throw new StorageError(
    "misconfigured",
    "a restore into this storage has failed or is still running; empty the storage and restore the snapshot again",
  );
}

class Restore {
  private revisions: Revision[] = [];
  private registry: Map<string, Buffer | null>;
  private readonly known = new Set<string>();
  private changes = 0;
  private restoredChanges = 0;
  private bytes = 0;
  /** The last revision that was taken from the snapshot, or is not in it. */
  private position = 1n;
  /** The newest revision that is missing in the snapshot: everything up to it was compacted. */
  private gap = -2n;

  constructor(
    private readonly storage: QueryStorage,
    private head: Head,
    identity: Buffer,
    private readonly options: RestoreOptions,
  ) {
    this.registry = new Map([[RESTORE_ENTRY, identity]]);
  }

  async take({ kind, body }: Frame): Promise<SnapshotEnd | undefined> {
    switch (kind) {
      case FRAME.header:
        readHeaderFrame(body);
        return undefined;
      case FRAME.registry:
        this.takeRegistry(body);
        return undefined;
      case FRAME.changes:
        for (const revision of readChangesFrame(body)) await this.takeRevision(revision);
        return undefined;
      case FRAME.end:
        return readEndFrame(body);
      default:
        throw damaged(`holds a frame of the unknown kind ${kind}`);
    }
  }

  async finish(end: SnapshotEnd): Promise<Restored> {
    if (this.restoredChanges !== end.changes) throw damaged("has lost some of its changes");
    this.leaveOut(BigInt(end.revision));
    const compacted = BigInt(end.compacted);
    // Releases of etcd before 3.6 do not keep a deletion that was made by the compacted revision itself.
    if (this.gap > compacted) throw damaged("has lost some of its revisions");
    this.registry.set(RESTORE_ENTRY, null);
    await this.commit(compacted);
    while (await this.storage.prune(PRUNE_ROWS));
    return { revision: this.head.revision, compacted, changes: end.changes };
  }

  private takeRegistry(body: Buffer): void {
    const { complete, entries } = readRegistryFrame(body);
    if (complete) for (const key of this.known) this.registry.set(key, null);
    for (const { key, value } of entries) {
      this.known.add(key);
      this.registry.set(key, value && leaseOfEntry(key) !== undefined ? asGrantedBefore(value) : value);
    }
  }

  private async takeRevision({ revision, changes }: LoggedRevision): Promise<void> {
    if (revision <= this.position) throw damaged("is out of order");
    this.leaveOut(revision - 1n);
    this.restoredChanges += changes.length;
    this.position = revision;
    if (revision <= this.head.revision) return;
    await this.add({ revision, changes: withoutGaps(changes, revision) });
  }

  /** What is missing in the snapshot up to and with `through` was compacted. */
  private leaveOut(through: bigint): void {
    if (this.position >= through) return;
    this.gap = through;
    this.position = through;
  }

  private async add(revision: Revision): Promise<void> {
    this.revisions.push(revision);
    this.changes += revision.changes.length;
    for (const { field } of revision.changes) this.bytes += field.length;
    if (this.changes < COMMIT_CHANGES && this.bytes < COMMIT_BYTES) return;
    await this.commit(this.gap);
    this.options.onProgress?.(this.restoredChanges);
  }

  private async commit(compacted: bigint): Promise<void> {
    const registry = Array.from(this.registry, ([key, value]): RegistryWrite => ({ key, value }));
    const base = this.head;
    const head = {
      sequence: base.sequence + 1n,
      revision: this.position > base.revision ? this.position : base.revision,
      compacted: compacted > base.compacted ? compacted : base.compacted,
    };
    await this.storage.commit({ id: randomBytes(16), base, head, revisions: this.revisions, registry });
    this.head = head;
    this.revisions = [];
    this.registry = new Map();
    this.changes = 0;
    this.bytes = 0;
  }
}

/**
 * The sequences that stamps name are the storage's that the snapshot is of; here one may come again, and the renewal
 * that it stands for would be overlooked.
 */
function asGrantedBefore(lease: Buffer): Buffer {
  return encodeLease({ ttlSeconds: decodeLease(lease).ttlSeconds, stamp: 0n });
}

function filler(revision: bigint): Change {
  const field = encodeTombstone(FILLER_KEY, revision);
  return { key: FILLER_KEY, field, deleted: true, previous: 0n, lease: 0n };
}

/** The changes at the places that they had in their revision: a storage counts them from 0 on. */
function withoutGaps(changes: readonly LoggedChange[], revision: bigint): Change[] {
  const placed: Change[] = [];
  for (const change of changes) {
    while (placed.length < change.sub) placed.push(filler(revision));
    placed.push(change);
  }
  return placed;
}
