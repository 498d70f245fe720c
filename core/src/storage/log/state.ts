import { StorageError } from "../errors.js";
import {
  type Change,
  type ChangesPage,
  type ChangesQuery,
  type Commit,
  EMPTY_HEAD,
  type GetQuery,
  type GetResult,
  type Head,
  type News,
  type RangePage,
  type RangeQuery,
  type SinceQuery,
} from "../model.js";
import { readChanges } from "./changes.js";
import { CommitIds } from "./commit-ids.js";
import { corrupt } from "./corrupt.js";
import type { Dump, DumpHeader } from "./dump.js";
import { History } from "./history.js";
import { Keyspace } from "./keyspace.js";
import { Marks, type SnapshotInterval } from "./marks.js";
import { Pruner } from "./pruner.js";
import { readRange } from "./range.js";
import { RegistryLog, type RegistryRecord } from "./registry-log.js";
import { pack, unpack, Version, versionAt } from "./version.js";

/** One for all versions: each other 0n is an object of its own. */
const NO_LEASE = 0n;

/** Commits for which a registry removal stays visible to whoever reads on from an older sequence. */
const REMOVALS_KEPT = 1024;

/**
 * The log's projection in memory. All of it is synchronous, so whatever one call reads is one snapshot.
 * Revisions and sequences are numbers inside: 2^53 is enough, and they are cheaper than bigint.
 */
export class State {
  readonly marks: Marks;
  readonly #keyspace = new Keyspace();
  readonly #history = new History();
  readonly #pruner = new Pruner(this.#history, this.#keyspace);
  readonly #registry: RegistryLog;
  readonly #ids = new CommitIds();
  /** While a dump is restored, the newest version of each key. */
  readonly #restored = new Map<string, Version>();
  #head: Head;

  /** Empty, or with what a dump's header says; then `restoreRegistry` and `restoreVersion` bring the rest, and `restored` ends it. */
  constructor(interval: SnapshotInterval, header?: DumpHeader) {
    this.marks = new Marks(interval, header?.marks);
    this.#registry = new RegistryLog(header?.registryFloor);
    this.#head = header?.head ?? EMPTY_HEAD;
    const oldest = Number(this.#head.sequence) - (header?.ids.length ?? 0) + 1;
    header?.ids.forEach((id, index) => {
      this.#ids.add(oldest + index, id);
    });
  }

  get head(): Head {
    return this.#head;
  }

  /** Bytes of all live key-values. */
  get liveBytes(): number {
    return this.#keyspace.liveBytes;
  }

  /** Takes over the next commit; retains none of its buffers but those that are nothing's part. */
  apply(commit: Commit, segmentBytes: number): void {
    if (!sameHead(commit.base, this.#head)) {
      throw corrupt(
        `Segment ${commit.head.sequence} does not continue the log at ${describeHead(this.#head)}`,
      );
    }
    const sequence = Number(commit.head.sequence);
    for (const { revision, changes } of commit.revisions) {
      changes.forEach((change, sub) => {
        this.#applyChange(Number(revision), sub, change);
      });
    }
    for (const write of commit.registry) this.#registry.write(sequence, write);
    this.#ids.add(sequence, commit.id);
    this.#head = commit.head;
    this.marks.add(sequence, segmentBytes, this.#keyspace.liveBytes);
  }

  restoreVersion(version: Version): void {
    version.older = this.#restored.get(version.key);
    this.#restored.set(version.key, version);
    this.#history.append(version);
  }

  /** Ends the restoring. Keys go into the tree in their order, which takes a fifth of the time. */
  restored(): void {
    for (const key of [...this.#restored.keys()].sort()) this.#keyspace.load(this.#restored.get(key)!);
    this.#restored.clear();
  }

  restoreRegistry({ key, value, sequence }: RegistryRecord): void {
    this.#registry.write(sequence, { key, value });
  }

  range(query: RangeQuery): RangePage {
    return readRange(this.#keyspace, query, this.#head, this.#readable(query.revision));
  }

  get(query: GetQuery): GetResult {
    const revision = this.#readable(query.revision);
    const fields = query.keys.map((key) => {
      const version = versionAt(this.#keyspace.get(key.toString("latin1")), revision);
      return version && unpack(version.field);
    });
    return { head: this.#head, fields };
  }

  leaseKeys(lease: bigint): { head: Head; keys: Buffer[] } {
    return { head: this.#head, keys: this.#keyspace.leaseKeys(lease) };
  }

  changes(query: ChangesQuery): ChangesPage {
    this.#refuseFuture(query.through);
    return readChanges(this.#history, query);
  }

  since({ after, limit, previous, keys }: SinceQuery): News {
    const { sequence, revision } = after;
    const complete = sequence === 0n || Number(sequence) < this.#registry.floor;
    const records = this.#registry.after(complete ? 0 : Number(sequence));
    const entries = records.map(({ key, value }) => ({ key, value: value && Buffer.from(value) }));
    const query = { after: revision, through: this.#head.revision, interval: null, limit, previous };
    return {
      head: this.#head,
      changes: limit === 0 ? { revisions: [], through: revision } : readChanges(this.#history, query),
      registry: { complete, entries },
      fields: this.get({ keys, revision: 0n, linearizable: false }).fields,
    };
  }

  commitId(sequence: bigint): Buffer | undefined {
    return sequence > this.#head.sequence ? undefined : this.#ids.get(Number(sequence));
  }

  prune(limit: number): boolean {
    const versions = this.#pruner.prune(Number(this.#head.compacted), limit);
    const removals = this.#registry.prune(Number(this.#head.sequence) - REMOVALS_KEPT, limit);
    return versions || removals;
  }

  /** Everything, as it is now; stays so while later commits are applied. */
  capture(): Dump {
    return {
      header: {
        head: this.#head,
        ids: this.#ids.capture(),
        marks: this.marks.positions,
        registryFloor: this.#registry.floor,
      },
      registry: this.#registry.capture(),
      versions: this.#history.capture(),
    };
  }

  #applyChange(revision: number, sub: number, change: Change): void {
    const latin1 = change.key.toString("latin1");
    const older = this.#keyspace.get(latin1);
    const version = new Version(
      older?.key ?? latin1,
      revision,
      sub,
      Number(change.previous),
      change.deleted ? null : change.lease || NO_LEASE,
      pack(change.field),
    );
    version.older = older;
    this.#keyspace.put(version);
    this.#history.append(version);
  }

  #readable(revision: bigint): number {
    if (revision === 0n) return Number(this.#head.revision);
    this.#refuseFuture(revision);
    if (revision < this.#head.compacted) {
      throw new StorageError(
        "compacted",
        `Revision ${revision} is below the compacted ${this.#head.compacted}`,
      );
    }
    return Number(revision);
  }

  #refuseFuture(revision: bigint): void {
    if (revision <= this.#head.revision) return;
    throw new StorageError("future", `Revision ${revision} is above the head's ${this.#head.revision}`);
  }
}

export function sameHead(a: Head, b: Head): boolean {
  return a.sequence === b.sequence && a.revision === b.revision && a.compacted === b.compacted;
}

function describeHead(head: Head): string {
  return `sequence ${head.sequence}, revision ${head.revision}, compacted ${head.compacted}`;
}
