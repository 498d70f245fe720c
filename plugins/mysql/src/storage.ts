import type {
  Commit,
  GetResult,
  Head,
  PluginContext,
  RangePage,
  SinceQuery,
  StorageError,
  StorageSize,
} from "@etcd-adapter/core/storage";
import {
  KeyReads,
  Lane,
  Lanes,
  type LogPage,
  type LogPosition,
  type LogQuery,
  type PruneState,
  type PruneStep,
  type RowsQuery,
  type ServerSettings,
  type SinceRows,
  type SqlDriver,
  singleKey,
  type Tables,
  tableNames,
} from "@etcd-adapter/core/storage/sql";
import { type Connection, connector, type Row } from "./connection.js";
import { isReadOnly, storageError } from "./errors.js";
import { prune } from "./pruning.js";
import { Ranges } from "./ranges.js";
import { Reads } from "./reads.js";
import { integer } from "./rows.js";
import { Scans } from "./scans.js";
import { migrate } from "./schema.js";
import { BUILT_IN_STORE, IDENTIFY, identify, type Server, TIDB_STORE } from "./server.js";
import { type Statements, statements } from "./statements.js";
import { Writer } from "./writer.js";

/** Rebuilding tables, and the like: nobody waits for it. */
const MAINTENANCE_TIMEOUT_MS = 3_600_000;

/** TiDB counts nothing until it has gathered statistics. */
const LEAST_BYTES = 65_536n;

/** One connection commits, several read, and one cleans up. */
export class MysqlDriver implements SqlDriver {
  readonly shared = true;
  private readonly tables: Tables;
  private readonly sql: Statements;
  private readonly writing: Lane<Connection>;
  private readonly writer: Writer;
  private readonly reading: Lanes<Connection>;
  private readonly scans = new Scans();
  private readonly ranges: Ranges;
  private readonly reads: Reads;
  private readonly cleaning: Lane<Connection>;
  private readonly keyReads = new KeyReads((keys) => this.getNewest(keys));
  private where: string;
  private server: Server | undefined;

  constructor(
    settings: ServerSettings,
    private readonly logger: PluginContext["logger"],
  ) {
    const { host, port, database, poolSize, readTimeoutMs } = settings;
    this.where = `the database ${database ?? ""} at ${host}:${port}`;
    this.tables = tableNames(settings.tablePrefix);
    this.sql = statements(this.tables, this.scans);
    this.writing = new Lane(connector(settings, "read committed"), readTimeoutMs);
    this.reading = new Lanes(poolSize, connector(settings, "repeatable read"), readTimeoutMs);
    this.ranges = new Ranges(this.reading, this.sql);
    this.reads = new Reads(this.reading, this.sql);
    this.writer = new Writer(this.writing, this.sql, this.reads, () => this.server!);
    this.cleaning = new Lane(connector(settings, "read committed"), MAINTENANCE_TIMEOUT_MS);
  }

  async open(): Promise<void> {
    const [[row]] = (await this.reading.use((connection) => connection.run([IDENTIFY]))) as [[Row]];
    this.server = identify(row, this.where);
    const { family, version } = this.server;
    this.where = `${family}, ${this.where}`;
    if (family === "TiDB") await this.meetTidb();
    await this.cleaning.use((connection) => migrate(connection, this.tables, this.where));
    this.logger.info({ family, version }, `keeps its data in ${family} ${version}`);
  }

  async close(): Promise<void> {
    this.writer.release();
    await Promise.all([this.writing.close(), this.reading.close(), this.cleaning.close()]);
  }

  async head(): Promise<Head> {
    const head = await this.reads.head();
    this.scans.saw(head);
    return head;
  }

  async commit(commit: Commit): Promise<void> {
    await this.writer.commit(commit);
    this.scans.saw(commit.head);
  }

  async since(query: SinceQuery): Promise<SinceRows> {
    const found = await (query.reserve ? this.writer.sinceInTurn(query) : this.reads.since(query));
    this.scans.saw(found.head);
    return found;
  }

  release(): void {
    this.writer.release();
  }

  commitId(sequence: bigint): Promise<Buffer | undefined> {
    return this.reads.commitId(sequence);
  }

  rangeNewest(query: RowsQuery): Promise<RangePage> {
    const key = query.limit > 0 ? singleKey(query.interval) : undefined;
    if (key) return this.keyReads.page(key, query.count);
    return this.ranges.newest(query);
  }

  rangeAt(revision: bigint, query: RowsQuery): Promise<RangePage> {
    return this.ranges.at(revision, query);
  }

  getNewest(keys: readonly Buffer[]): Promise<GetResult> {
    return this.reads.getNewest(keys);
  }

  getAt(revision: bigint, keys: readonly Buffer[]): Promise<GetResult> {
    return this.reads.getAt(revision, keys);
  }

  leaseKeys(lease: bigint): Promise<{ head: Head; keys: Buffer[] }> {
    return this.reads.leaseKeys(lease);
  }

  logRows(query: LogQuery): Promise<LogPage> {
    return this.reads.logRows(query);
  }

  pruneState(): Promise<PruneState> {
    return this.reads.pruneState();
  }

  async positionAt(after: LogPosition, through: bigint, limit: number): Promise<LogPosition | undefined> {
    const [rows] = await this.cleaning.use((connection) =>
      connection.run([this.sql.positionAt(after, through, limit)]),
    );
    const row = rows![0];
    return row && { revision: integer(row[0]), sub: Number(row[1]) };
  }

  prune(step: PruneStep): Promise<void> {
    return this.cleaning.use((connection) => prune(connection, this.sql, step));
  }

  async size(): Promise<StorageSize> {
    const [rows] = await this.cleaning.use((connection) => connection.run([this.sql.size]));
    const [used, free] = rows![0]!.map(integer) as [bigint, bigint];
    const inUse = used > LEAST_BYTES ? used : LEAST_BYTES;
    return { total: inUse + free, inUse };
  }

  /** TiDB reclaims space by itself. */
  async defragment(): Promise<void> {
    if (this.server?.family === "TiDB") return;
    for (const optimize of this.sql.optimize) {
      await this.cleaning.use((connection) => connection.run([optimize]));
    }
  }

  private async meetTidb(): Promise<void> {
    this.scans.areDoubted = false;
    const [rows] = await this.reading.use((connection) => connection.run([TIDB_STORE]));
    if (rows![0]?.[0] !== BUILT_IN_STORE) return;
    this.scans.backwards = false;
    this.logger.warn(
      "TiDB runs on its built-in store, which is for tests: nothing is read backwards, which is slower",
    );
  }

  storageError(error: unknown, during: "commit" | "other"): StorageError {
    if (isReadOnly(error)) {
      for (const lane of [this.writing, this.reading, this.cleaning]) lane.drop(error as Error);
    }
    return storageError(error, this.where, during);
  }
}
