import type { Head } from "@etcd-adapter/core/storage";
import type { PruneStep } from "@etcd-adapter/core/storage/sql";
import type { Connection } from "./connection.js";
import { Failure } from "./failure.js";
import type { Reader } from "./reader.js";
import type { Statements } from "./statements.js";
import { UnpackedCommit } from "./unpack-commit.js";

/** Every write. There is one writer, in a thread of its own, because each commit waits for the disk. */
export class Writer {
  constructor(
    private readonly connection: Connection,
    private readonly sql: Statements,
    private readonly reader: Reader,
  ) {}

  /**
   * One transaction. Commits that are in already are passed over: after a thread ended, nobody knows whether it had made its last.
   * `synced`: it is on the disk, as are all before it, when this returns. Otherwise only the redo log is.
   */
  commit(blocks: readonly ArrayBuffer[], synced: boolean): void {
    this.connection.sync(synced);
    this.write(() => {
      let head = this.reader.head();
      for (const block of blocks) {
        const commit = new UnpackedCommit(block);
        if (this.reader.commitId(commit.head.sequence)?.equals(commit.id)) continue;
        expectHead(head, commit.base);
        this.insert(commit);
        head = commit.head;
      }
    });
  }

  private insert(commit: UnpackedCommit): void {
    const insertLog = this.connection.statement(this.sql.insertLog);
    const putState = this.connection.statement(this.sql.putState);
    const deleteState = this.connection.statement(this.sql.deleteState);
    for (const { revision, sub, key, deleted, field, previous, lease, last } of commit.changes()) {
      insertLog.run(revision, sub, key, deleted ? 1 : 0, field, previous, lease);
      if (!last) continue;
      if (deleted) deleteState.run(key);
      else putState.run(key, field, revision, lease);
    }
    const { sequence, revision, compacted } = commit.head;
    const putRegistry = this.connection.statement(this.sql.putRegistry);
    for (const { key, value } of commit.registry()) putRegistry.run(key, value, sequence);
    this.connection.statement(this.sql.insertCommit).run(sequence, commit.id, revision, compacted);
  }

  prune({ window, pruned, sequences }: PruneStep): void {
    this.write(() => {
      if (window) {
        const { after, through, compacted } = window;
        const parameters = { ...after, throughRevision: through.revision, throughSub: through.sub };
        this.run(this.sql.pruneReplaced, parameters);
        this.run(this.sql.pruneWithin, parameters);
        this.run(this.sql.pruneDeletions, { ...parameters, compacted });
        this.run(this.sql.setPrunedRevision, { revision: pruned.revision });
        this.run(this.sql.setPrunedSub, { sub: pruned.sub });
      }
      if (sequences.through > sequences.after) {
        this.run(this.sql.pruneCommits, { through: sequences.through });
        this.run(this.sql.pruneRegistry, { ...sequences });
        this.run(this.sql.setFloor, { floor: sequences.through });
      }
    });
  }

  /** Gives up to `pages` unused pages back; whether more are left. In small steps, so that commits come between. */
  shrink(pages: number): boolean {
    const { database } = this.connection;
    const unused = () => Number(database.pragma("freelist_count", { simple: true }));
    const before = unused();
    database.pragma(`incremental_vacuum(${pages})`);
    const left = unused();
    // A file that was made by another program may not be able to shrink.
    return left > 0 && left < before;
  }

  /** Empties the write-ahead log, unless a read still needs it; whether all is in the database now, synced. */
  truncateLog(): boolean {
    return this.connection.value("pragma wal_checkpoint(truncate)") === 0n;
  }

  /** One transaction. On a full disk it is tried again from the start of the write-ahead log, which has its room already. */
  private write(work: () => void): void {
    try {
      this.connection.transaction("immediate", work);
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "SQLITE_FULL")) throw error;
      this.connection.database.pragma("wal_checkpoint(restart)");
      this.connection.transaction("immediate", work);
    }
  }

  private run(sql: string, parameters: Record<string, bigint | number>): void {
    this.connection.statement(sql).run(parameters);
  }
}

function expectHead(head: Head, base: Head): void {
  if (head.sequence !== base.sequence || head.revision !== base.revision) {
    throw new Failure("CONFLICT", `the head is commit ${head.sequence}, not ${base.sequence} any more`);
  }
}
