import { decodeField, encodeTombstone, fieldKey, fieldOf } from "../mvcc/record.js";
import type { LoggedChange, LoggedRevision } from "../storage/index.js";
import { BoltFile } from "./bolt-file.js";
import { etcdRegistry } from "./etcd-registry.js";
import { PreviousRevisions } from "./previous-revisions.js";
import type { Progress } from "./progress.js";
import { SnapshotBuilder } from "./snapshot-builder.js";
import { SnapshotWriter } from "./snapshot-writer.js";

const TOMBSTONE_KEY_BYTES = 18;

interface Row {
  readonly revision: bigint;
  readonly sub: number;
  readonly deleted: boolean;
  readonly field: Buffer;
}

/**
 * Turns etcd's own snapshot, a bbolt database, into one of ours at `target`: every version that it holds with its
 * revision, its leases, users and roles. In bounded memory: what does not fit is sorted in `folder`.
 */
export async function convertEtcdSnapshot(
  source: string,
  target: string,
  folder: string,
  progress: Progress,
): Promise<void> {
  const file = await BoltFile.open(source);
  const previous = new PreviousRevisions(folder);
  const writer = await SnapshotWriter.create(target);
  try {
    progress.begin("ordering the source's versions", "versions");
    let newest = 1n;
    for await (const row of rows(file)) {
      await previous.add(Buffer.from(fieldKey(row.field)), row);
      newest = row.revision;
      progress.add(1);
    }
    await previous.order();
    progress.end();
    const compacted = await compactedRevision(file);
    const revision = newest > compacted ? newest : compacted;
    const builder = new SnapshotBuilder(writer);
    await builder.begin(revision, await etcdRegistry(file));
    progress.begin("reading the source", "versions");
    for await (const logged of revisions(file, previous)) {
      await builder.add(logged);
      progress.add(logged.changes.length);
    }
    await builder.end(revision, compacted);
    progress.end();
  } catch (error) {
    await writer.abandon();
    throw error;
  } finally {
    await previous.dispose();
    await file.close();
  }
}

async function* revisions(file: BoltFile, previous: PreviousRevisions): AsyncGenerator<LoggedRevision> {
  const links = previous.reader();
  try {
    let revision = 0n;
    let changes: LoggedChange[] = [];
    for await (const row of rows(file)) {
      if (row.revision !== revision) {
        if (changes.length > 0) yield { revision, changes };
        revision = row.revision;
        changes = [];
      }
      const { sub, deleted, field } = row;
      const lease = deleted ? 0n : decodeField(field).lease;
      changes.push({ key: fieldKey(field), field, sub, deleted, lease, previous: await links.of(row) });
    }
    if (changes.length > 0) yield { revision, changes };
  } finally {
    await links.close();
  }
}

/** In the order of revisions, which is that of their keys. */
export async function* rows(file: BoltFile): AsyncGenerator<Row> {
  for await (const { key, value } of file.bucket("key")) {
    const revision = key.readBigInt64BE(0);
    const sub = Number(key.readBigInt64BE(9));
    const deleted = key.length === TOMBSTONE_KEY_BYTES;
    const field = deleted ? encodeTombstone(fieldKey(fieldOf(value)), revision) : fieldOf(value);
    yield { revision, sub, deleted, field };
  }
}

/** One that was begun is not taken back, even if it had not removed everything yet. -1n before the first. */
export async function compactedRevision(file: BoltFile): Promise<bigint> {
  const names = ["scheduledCompactRev", "finishedCompactRev"];
  const found = await Promise.all(names.map((name) => file.get("meta", name)));
  const revisions = found.map((bytes) => (bytes ? bytes.readBigInt64BE(0) : -1n));
  return revisions.reduce((most, revision) => (revision > most ? revision : most));
}
