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
  type PruneState,
  type PruneStep,
  type RowsQuery,
  type SinceRows,
  type SqlDriver,
  singleKey,
  unpackRows,
} from "@etcd-adapter/core/storage/sql";
import { Connection, type FileSettings } from "./connection.js";
import { storageError } from "./errors.js";
import { loadLibrary } from "./library.js";
import { FileLock } from "./lock.js";
import type { Operations } from "./operations.js";
import { packCommit } from "./pack-commit.js";
import type { Bounds } from "./pages.js";
import { Reader } from "./reader.js";
import { migrate } from "./schema.js";
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
 * One writer in a thread of its own, and two readers: a connection on this thread for what is small, one in a thread
 * for the rest. SQLite's readers never wait for the writer.
 */
export class SqliteDriver implements SqlDriver {
  readonly shared = false;
  private readonly writer: Thread;
  private readonly large: Thread;
  private lock: FileLock | undefined;
  private connection: Connection | undefined;
  private small: Reader | undefined;
  private snapshot: SharedSnapshot | undefined;
  private readonly turn = new Turn();

  constructor(
    private readonly settings: FileSettings,
    logger: PluginContext["logger"],
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
    this.small = new Reader(this.connection, statements(tables), this.snapshot);
  }

  async close(): Promise<void> {
    await this.large.close();
    this.small = undefined;
    this.snapshot?.end();
    this.connection?.close();
    // The last connection empties the write-ahead log, which may take its time.
    await this.writer.close();
    this.lock?.release();
  }

  head(): Promise<Head> {
    return this.read((reader) => reader.head());
  }

  commit(commit: Commit): Promise<void> {
    return this.write("commit", packCommit(commit));
  }

  commitId(sequence: bigint): Promise<Buffer | undefined> {
    return this.read((reader) => reader.commitId(sequence));
  }

  async rangeNewest(query: RowsQuery): Promise<RangePage> {
    const { interval, limit, count } = query;
    if (singleKey(interval) && limit > 0) return this.read((reader) => reader.single(interval.start, count));
    return (await this.read((reader) => reader.range(query, SMALL))) ?? this.largeRange(query);
  }

  /** Always in the thread: how many deleted keys it has to pass is not known. */
  rangeAt(revision: bigint, query: RowsQuery): Promise<RangePage> {
    return this.largeRange(query, revision);
  }

  getNewest(keys: readonly Buffer[]): Promise<GetResult> {
    return this.read((reader) => reader.get(keys));
  }

  getAt(revision: bigint, keys: readonly Buffer[]): Promise<GetResult> {
    return this.read((reader) => reader.get(keys, revision));
  }

  async leaseKeys(lease: bigint): Promise<{ head: Head; keys: Buffer[] }> {
    const small = await this.read((reader) => reader.leaseKeys(lease, SMALL.rows));
    if (small) return small;
    const { head, keys } = await this.large.call("leaseKeys", lease, LARGE.rows);
    return { head, keys: keys.map(asBuffer) };
  }

  async logRows(query: LogQuery): Promise<LogPage> {
    const { interval, after, through, limit } = query;
    const filter = logFilter(interval);
    const scansFar = filter !== "none" && filter !== "key" && through - after.revision > SMALL_SCAN_REVISIONS;
    const packed =
      limit <= SMALL.rows && !scansFar
        ? await this.read((reader) => reader.logRows(query, filter, SMALL.bytes))
        : await this.large.call("logRows", query, filter, LARGE.bytes);
    return unpackRows(packed);
  }

  async since(query: SinceQuery): Promise<SinceRows> {
    const found = await this.read((reader) => reader.since(query, SMALL.bytes));
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

  private async read<T>(work: (reader: Reader) => T): Promise<T> {
    await this.turn.share();
    if (!this.small) throw new StorageError("closed", "the storage is not open");
    return work(this.small);
  }

  private async write<K extends keyof Operations>(
    name: K,
    ...parameters: Parameters<Operations[K]>
  ): Promise<ReturnType<Operations[K]>> {
    if (!this.snapshot) throw new StorageError("closed", "the storage is not open");
    return this.snapshot.during(() => this.writer.call(name, ...parameters));
  }

  private async largeRange(query: RowsQuery, revision?: bigint): Promise<RangePage> {
    const page = await this.large.call("range", query, LARGE, revision);
    return { ...page, fields: asBuffer(page.fields) };
  }
}

function logFilter(interval: Interval | null): LogFilter {
  if (interval === null) return "none";
  if (interval.end === null) return "open interval";
  return singleKey(interval) ? "key" : "interval";
}
