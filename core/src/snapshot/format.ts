/**
 * What Maintenance.Snapshot sends, and `restoreSnapshot` reads. Not etcd's own format, which is a bbolt file, but
 * framed like one: its length is a multiple of 512, and 32 bytes of SHA-256 over all of it stand behind it.
 *
 *   magic: MAGIC, ASCII, which names the format's version
 *   frames: kind (1 byte), length of what follows (4, big endian), CRC-32 of the content (4, little endian), content
 *     header    JSON: see SnapshotHeader
 *     registry  1 if it is the whole registry or 0 if it continues one; for each entry: key, 0 if it was
 *               removed or 1 and the value
 *     changes   for each revision: its number, how many changes; for each: flags (1), place in the revision,
 *               field, previous if HAS_PREVIOUS, lease (8, little endian) if HAS_LEASE
 *     end       JSON: see SnapshotEnd
 *   zeros up to a multiple of 512
 *
 * Numbers without a size are varints, byte strings have their length before them. Registry frames come before the
 * changes that were committed after them. `field` is as in the storage seam (tag 0x12, length, mvccpb.KeyValue).
 * Below the compacted revision, which only `end` knows, revisions may be missing, and changes of those that are not.
 */
export const MAGIC: Buffer = Buffer.from("etcd-adapter-snapshot-1\n", "latin1");
export const BLOCK_BYTES = 512;
export const DIGEST_BYTES = 32;
export const FRAME_HEAD_BYTES = 5;

export const FRAME = { header: 1, registry: 2, changes: 3, end: 4 } as const;

export const CHANGE = { deleted: 1, hasPrevious: 2, hasLease: 4 } as const;

export interface SnapshotHeader {
  /** The program that made it, for people. */
  readonly madeBy: string;
  /** Revision that was the newest when it was begun. */
  readonly revision: string;
}

export interface SnapshotEnd {
  /** The newest revision, and … */
  readonly revision: string;
  /** … the compacted one, of the state that it holds. */
  readonly compacted: string;
  /** Changes in all frames. */
  readonly changes: number;
}
