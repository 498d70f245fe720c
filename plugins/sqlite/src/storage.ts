import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import {
  type Commit,
  type GetResult,
  type Head,
  type Interval,
  type PluginContext,
  type RangePage,
  type SinceQuery,
  StorageError,
  type StorageSize,
} from "@etcd-adapter/core/storage";
import {
  asBuffer,
  type LogPage,
  type LogPosition,
  type LogQuery,
  type PackedRows,
  type PruneState,
  type PruneStep,
  pageOfKey,
  type RowsQuery,
  type SinceRows,
  type SqlDriver,
  singleKey,
  unpackRows,
} from "@etcd-adapter/core/storage/sql";
import { Commits } from "./commits.js";
import { Connection, type FileSettings } from "./connection.js";
import { storageError } from "./errors.js";
import { loadLibrary } from "./load-library.js";
import { FileLock } from "./lock.js";
import type { Operations } from "./operations.js";
import type { Bounds } from "./pages.js";
import { Reader } from "./reader.js";
import { identityOf, migrate } from "./schema.js";
import { SharedSnapshot } from "./shared-snapshot.js";
import { type LogFilter, statements } from "./statements.js";
import { Thread } from "./thread.js";
import { Turn } from "./turn.js";

/** What the main thread reads itself: a millisecond or two. A message to another thread costs too. */
const SMALL: Bounds = { rows: 1_000, bytes: 4 << 20, count: 5_000 };
const LARGE: Bounds = { rows: 2 ** 40, bytes: 32 << 20, count: 2 ** 40 };
/** A scan of so many revisions for the keys of an interval is small too. */
const SMALL_SCAN_REVISIONS = 1_000n;
const SHRINK_PAGES = 256;

/**
 * One writer in a thread of its own, which follows behind the redo log. Two readers: a connection on this thread for what is small, one in a thread for the rest. SQLite's readers never
 * wait for the writer, but for one that needs what is pending still.
 */
export class SqliteDriver implements SqlDriver {
  readonly shared = false;
  private readonly writer: Thread;
  private readonly large: Thread;
  private lock: FileLock | undefined;
  private connection: Connection | undefined;
  private small: Reader | undefined;
  private snapshot: SharedSnapshot | undefined;
  private commits: Commits | undefined;
  private readonly turn = new Turn();

  constructor(
    private readonly settings: FileSettings,
    private readonly logger: PluginContext["logger"],
  ) {
    const onDied = (err: unknown) => logger.error({ err }, "a thread of the SQLite storage ended");
    this.writer = new Thread(settings, onDied);
    this.large = new Thread(settings, onDied);
  }

  async open(): Promise<void> {
    const { file, tables } = this.settings;
    const library = await loadLibrary();
    await mkdir(dirname(file), { recursive: true });
    this.lock = await FileLock.take(library, file);
    // Starts while the file is created here, and is ready by the first commit.
    this.writer.start();
    this.connection = Connection.open(library, this.settings);
    migrate(this.connection.database, tables, file);
    this.snapshot = new SharedSnapshot(this.connection);
    const small = new Reader(this.connection, statements(tables), this.snapshot);
    this.commits = await Commits.open(
      file,
      identityOf(this.connection.database, tables),
      () => small.head(),
      {
        commit: (blocks, synced) => this.write("commit", blocks, synced),
        truncateLog: () => this.write("truncateLog"),
      },
      this.logger,
    );
    this.small = small;
  }

  async close(): Promise<void> {
    await this.large.close();
    this.small = undefined;
    await this.commits?.close();
    this.snapshot?.end();
    this.connection?.close();
    // The last connection empties the write-ahead log, which may take its time.
    await this.writer.close();
    this.lock?.release();
  }

  async head(): Promise<Head> {
    return this.commits?.newest ?? this.read((reader) => reader.head());
  }

  async commit(commit: Commit): Promise<void> {
    return this.opened().commit(commit);
  }

  async commitId(sequence: bigint): Promise<Buffer | undefined> {
    return this.opened().pending.commitId(sequence) ?? this.read((reader) => reader.commitId(sequence));
  }

  async rangeNewest(query: RowsQuery): Promise<RangePage> {
    const { interval, limit, count } = query;
    if (singleKey(interval) && limit > 0) {
      return this.read(
        (reader, { pending, newest }) => {
          const version = newest && pending.get(interval.start);
          return version ? pageOfKey(newest, version.field, count) : reader.single(interval.start, count);
        },
        () => false,
      );
    }
    const small = await this.read(
      (reader) => reader.range(query, SMALL),
      ({ pending }) => pending.touches(interval),
    );
    return small ?? this.largeRange(query);
  }

  /** Always in the thread: how many deleted keys it has to pass is not known. */
  rangeAt(revision: bigint, query: RowsQuery): Promise<RangePage> {
    return this.largeRange(query, revision);
  }

  getNewest(keys: readonly Buffer[]): Promise<GetResult> {
    return this.read(
      (reader, { pending }) => {
        const { head, fields } = reader.get(keys);
        return { head, fields: pending.over(keys, fields) };
      },
      () => false,
    );
  }

  getAt(revision: bigint, keys: readonly Buffer[]): Promise<GetResult> {
    return this.read((reader) => reader.get(keys, revision));
  }

  async leaseKeys(lease: bigint): Promise<{ head: Head; keys: Buffer[] }> {
    const small = await this.read((reader) => reader.leaseKeys(lease, SMALL.rows));
    if (small) return small;
    await this.opened().flush();
    const { head, keys } = await this.large.call("leaseKeys", lease, LARGE.rows);
    return { head, keys: keys.map(asBuffer) };
  }

  async logRows(query: LogQuery): Promise<LogPage> {
    const { interval, after, through, limit } = query;
    const filter = logFilter(interval);
    const scansFar = filter !== "none" && filter !== "key" && through - after.revision > SMALL_SCAN_REVISIONS;
    const packed =
      limit <= SMALL.rows && !scansFar
        ? await this.read(
            (reader) => reader.logRows(query, filter, SMALL.bytes),
            ({ pending }) => pending.reaches(through),
          )
        : await this.largeLogRows(query, filter);
    return unpackRows(packed);
  }

  async since(query: SinceQuery): Promise<SinceRows> {
    const { after, limit } = query;
    const isMissing = ({ newest }: Commits) =>
      after.sequence !== newest?.sequence || (limit > 0 && after.revision !== newest.revision);
    const found = await this.read((reader, commits) => {
      const since = reader.since(query, SMALL.bytes);
      return isMissing(commits)
        ? since
        : { ...since, fields: commits.pending.over(query.keys, since.fields) };
    }, isMissing);
    return { ...found, log: found.log ? unpackRows(found.log) : { rows: [], more: false } };
  }

  pruneState(): Promise<PruneState> {
    return this.read((reader) => reader.pruneState());
  }

  positionAt(after: LogPosition, through: bigint, limit: number): Promise<LogPosition | undefined> {
    return this.large.call("positionAt", after, through, limit);
  }

  prune(step: PruneStep): Promise<void> {
    return this.write("prune", step);
  }

  size(): Promise<StorageSize> {
    return this.read((reader) => reader.size());
  }

  async defragment(): Promise<void> {
    while (await this.write("shrink", SHRINK_PAGES)) {}
    await this.write("truncateLog");
  }

  storageError(error: unknown, during: "commit" | "other"): StorageError {
    return storageError(error, this.settings.file, during);
  }

  /**
   * `isMissing`: whether a pending commit may matter to the read, which then waits for it. Any other read is right for the
   * newest head, whichever of these commits its snapshot has.
   */
  private async read<T>(
    work: (reader: Reader, commits: Commits) => T,
    isMissing: (commits: Commits) => boolean = ({ pending }) => !pending.isEmpty,
  ): Promise<T> {
    await this.turn.share();
    const { small, snapshot, commits } = this;
    if (!small || !snapshot || !commits) throw closed();
    const { newest } = commits;
    if (newest && !isMissing(commits)) return snapshot.withHead(newest, () => work(small, commits));
    await commits.flush();
    if (!this.small) throw closed();
    return work(small, commits);
  }

  private opened(): Commits {
    if (!this.commits) throw closed();
    return this.commits;
  }

  private async write<K extends keyof Operations>(
    name: K,
    ...parameters: Parameters<Operations[K]>
  ): Promise<ReturnType<Operations[K]>> {
    if (!this.snapshot) throw closed();
    return this.snapshot.during(() => this.writer.call(name, ...parameters));
  }

  private async largeLogRows(query: LogQuery, filter: LogFilter): Promise<PackedRows> {
    const commits = this.opened();
    if (commits.pending.reaches(query.through)) await commits.flush();
    return this.large.call("logRows", query, filter, LARGE.bytes);
  }

  private async largeRange(query: RowsQuery, revision?: bigint): Promise<RangePage> {
    await this.opened().flush();
    const page = await this.large.call("range", query, LARGE, revision);
    return { ...page, fields: asBuffer(page.fields) };
  }
}

function closed(): StorageError {
  return new StorageError("closed", "the storage is not open");
}

function logFilter(interval: Interval | null): LogFilter {
  if (interval === null) return "none";
  if (interval.end === null) return "open interval";
  return singleKey(interval) ? "key" : "interval";
}
