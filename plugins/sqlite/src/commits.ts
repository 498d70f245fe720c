import type { Commit, Head, PluginContext } from "@etcd-adapter/core/storage";
import { StorageError } from "@etcd-adapter/core/storage";
import { Applier } from "./applier.js";
import { storageError } from "./errors.js";
import { Failure } from "./failure.js";
import { packCommit } from "./pack-commit.js";
import { Pending } from "./pending.js";
import { RedoLog } from "./redo-log.js";
import { UnpackedCommit } from "./unpack-commit.js";

/** Acknowledged commits that wait for the database. With so many, the next one waits, too. */
const PENDING_BYTES = 8 << 20;

/** What the database's writer does for commits. */
export interface CommitWriter {
  commit(blocks: readonly ArrayBuffer[], synced: boolean): Promise<void>;
  /** Whether everything is in the database file now, synced. */
  truncateLog(): Promise<boolean>;
}

/**
 * A commit's way: it is acknowledged when the redo log has it, and pending until it is in the database. One that the redo
 * log has no room for is acknowledged when the database has it, synced.
 */
export class Commits {
  readonly pending = new Pending();
  private readonly redo: RedoLog;
  private readonly applier: Applier;
  private head: Head | undefined;
  private committing: Promise<void> | undefined;

  private constructor(
    private readonly file: string,
    identity: bigint,
    private readonly readHead: () => Head,
    private readonly writer: CommitWriter,
    private readonly logger: PluginContext["logger"],
  ) {
    this.redo = new RedoLog(file, identity, (err) =>
      logger.warn({ err }, `the redo log of ${file} can't be written: commits take longer without it`),
    );
    this.applier = new Applier(
      this.pending,
      this.redo,
      (blocks, synced) => writer.commit(blocks, synced),
      (err) => logger.error({ err }, `commits that the redo log holds can't be brought into ${file} now`),
    );
    this.head = readHead();
  }

  /** Commits of a life that was cut short come into the database first. */
  static async open(
    file: string,
    identity: bigint,
    readHead: () => Head,
    writer: CommitWriter,
    logger: PluginContext["logger"],
  ): Promise<Commits> {
    const blocks = await RedoLog.read(file, identity);
    if (blocks.length > 0) {
      const { sequence } = readHead();
      const missing = blocks.filter((block) => new UnpackedCommit(block).head.sequence > sequence);
      await recover(file, missing, writer);
      if (missing.length > 0) logger.info(`${missing.length} commits came into ${file} from its redo log`);
    }
    return new Commits(file, identity, readHead, writer, logger);
  }

  /** Undefined while it is not known, since the database itself takes a commit. Nothing is pending then. */
  get newest(): Head | undefined {
    return this.head;
  }

  commit(commit: Commit): Promise<void> {
    this.committing = this.append(commit);
    return this.committing;
  }

  /** Resolves when all that is pending now is in the database. */
  flush(): Promise<void> {
    return this.applier.flush();
  }

  /** Everything into the database. What does not succeed is in the redo log still, for the next start. */
  async close(): Promise<void> {
    await this.committing?.catch(() => {});
    const isWhole = await this.settle();
    await this.redo.close();
    if (isWhole) await RedoLog.remove(this.file);
  }

  private async append(commit: Commit): Promise<void> {
    const { base, head } = commit;
    this.head ??= this.readHead();
    if (base.sequence !== this.head.sequence || base.revision !== this.head.revision) {
      throw new Failure("CONFLICT", `the head is commit ${this.head.sequence}`);
    }
    if (this.applier.isFailing || this.pending.bytes > PENDING_BYTES) await this.flushFirst();
    const block = packCommit(commit);
    if (await this.redo.append(head.sequence, block)) {
      this.pending.add({ commit, block });
      this.head = head;
      this.applier.start();
      return;
    }
    await this.flushFirst();
    this.head = undefined;
    await this.writer.commit([block], true);
    this.head = head;
    this.redo.syncedThrough(head.sequence);
  }

  /** For a commit that is not made yet: what fails here leaves no doubt about it. */
  private async flushFirst(): Promise<void> {
    try {
      await this.flush();
    } catch (error) {
      throw storageError(error, this.file, "other");
    }
  }

  private async settle(): Promise<boolean> {
    try {
      await this.flush();
      return await this.writer.truncateLog();
    } catch (err) {
      this.logger.warn({ err }, `${this.file} needs its redo log at the next start`);
      return false;
    }
  }
}

async function recover(file: string, missing: readonly ArrayBuffer[], writer: CommitWriter): Promise<void> {
  try {
    if (missing.length > 0) await writer.commit(missing, true);
  } catch (error) {
    throw error instanceof Failure && error.code === "CONFLICT" ? gap(file, error) : error;
  }
  if (!(await writer.truncateLog())) throw new Failure("SQLITE_BUSY", "another program reads it");
  await RedoLog.remove(file);
}

function gap(file: string, cause: unknown): StorageError {
  return new StorageError(
    "corrupt",
    `the commits in ${file}-redo-0 and ${file}-redo-1 do not follow on those in ${file}, which was perhaps put back from an older copy: put the newer file back, or delete the two to do without them`,
    { cause },
  );
}
