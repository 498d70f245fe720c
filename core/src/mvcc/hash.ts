import {
  type Head,
  isStorageError,
  type LoggedChange,
  type LoggedRevision,
  type QueryStorage,
  REGISTRY,
  StorageError,
} from "../storage/index.js";
import { Crc32c } from "./crc32c.js";
import { keyName } from "./keys.js";
import { logPages } from "./log-pages.js";
import { decodeField, encodeTombstone, fieldBody } from "./record.js";

const ATTEMPTS = 5;
const EVERYTHING = { start: Buffer.alloc(0), end: null };

export interface KeySpaceHash {
  /** The storage's when the hash was made. */
  readonly head: Head;
  readonly hash: number;
  readonly hashRevision: bigint;
  readonly compactRevision: bigint;
}

/**
 * etcd's HashKV at `revision` (0n: the newest): over every version up to it, in order, that an etcd keeps. Rejects
 * with `compacted` or `future`; for a negative revision it is the hash of nothing.
 */
export async function hashKeySpace(storage: QueryStorage, revision: bigint): Promise<KeySpaceHash> {
  for (let attempt = 1; ; attempt++) {
    const head = await storage.head();
    if (revision > 0n && revision < head.compacted) throw refusal("compacted", revision);
    if (revision > head.revision) throw refusal("future", revision);
    const hashRevision = revision === 0n ? head.revision : revision;
    try {
      const hash = await hashAt(storage, hashRevision, head.compacted);
      // Compaction decides what counts: one in the middle spoils the sum.
      if ((await storage.head()).compacted === head.compacted) {
        return { head, hash, hashRevision, compactRevision: head.compacted };
      }
    } catch (error) {
      if (!isStorageError(error, "compacted")) throw error;
    }
    if (attempt === ATTEMPTS) throw new StorageError("unavailable", "compactions keep overtaking the hash");
  }
}

/** A hash of all that the storage holds, of no use but to compare it with an earlier one of the same backend. */
export async function hashStorage(storage: QueryStorage): Promise<{ head: Head; hash: number }> {
  const { head, registry } = await storage.since(REGISTRY);
  const crc = new Crc32c();
  for (const { key, value } of [...registry.entries].sort((a, b) => (a.key < b.key ? -1 : 1))) {
    crc.update(Buffer.from(key));
    if (value) crc.update(value);
  }
  for await (const revisions of logPages(storage, 0n, head.revision)) {
    for (const { changes } of revisions) for (const change of changes) crc.update(change.field);
  }
  return { head, hash: crc.value };
}

async function hashAt(storage: QueryStorage, revision: bigint, compacted: bigint): Promise<number> {
  const crc = new Crc32c();
  crc.update(Buffer.from("key"));
  // What compaction keeps: versions that are live at the revision hashed, or, when nothing is, at the compacted one.
  const keptAt = compacted < 2n || (await hasLiveKey(storage, revision)) ? revision : compacted;
  for await (const revisions of logPages(storage, 0n, revision)) {
    const kept = await keptVersions(storage, revisions, compacted, keptAt);
    for (const { revision: main, changes } of revisions) {
      for (const change of changes) {
        if (main <= compacted && !kept.has(change)) continue;
        crc.update(revisionKey(main, change));
        crc.update(change.deleted ? keyOnly(change.key) : fieldBody(change.field));
      }
    }
  }
  return crc.value;
}

async function hasLiveKey(storage: QueryStorage, revision: bigint): Promise<boolean> {
  if (revision <= 0n) return false;
  const query = { interval: EVERYTHING, revision, limit: 1, count: false, descending: false };
  return (await storage.range({ ...query, linearizable: false })).rows > 0;
}

/** Of changes at and below `compacted`, those that made a version which is live at `revision`. */
async function keptVersions(
  storage: QueryStorage,
  revisions: readonly LoggedRevision[],
  compacted: bigint,
  revision: bigint,
): Promise<ReadonlySet<LoggedChange>> {
  const last = new Map<string, { change: LoggedChange; main: bigint }>();
  for (const { revision: main, changes } of revisions) {
    if (main > compacted) break;
    for (const change of changes) last.set(keyName(change.key), { change, main });
  }
  const candidates = [...last.values()].filter(({ change }) => !change.deleted);
  if (candidates.length === 0) return new Set();
  const keys = candidates.map(({ change }) => change.key);
  const { fields } = await storage.get({ keys, revision, linearizable: false });
  const live = candidates.filter(({ main }, index) => {
    const field = fields[index];
    return field !== undefined && decodeField(field).modRevision === main;
  });
  return new Set(live.map(({ change }) => change));
}

/** The key under which etcd stores a version: revision, place in it, and a mark on deletions. */
function revisionKey(revision: bigint, change: LoggedChange): Buffer {
  const key = Buffer.alloc(change.deleted ? 18 : 17);
  key.writeBigInt64BE(revision, 0);
  key.write("_", 8, "latin1");
  key.writeBigInt64BE(BigInt(change.sub), 9);
  if (change.deleted) key.write("t", 17, "latin1");
  return key;
}

function keyOnly(key: Buffer): Buffer {
  return fieldBody(encodeTombstone(key, 0n));
}

function refusal(code: "compacted" | "future", revision: bigint): StorageError {
  return new StorageError(code, `revision ${revision} can't be hashed`);
}
