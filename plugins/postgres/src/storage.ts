import type {
  Commit,
  GetResult,
  Head,
  HeadListener,
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
import { type Connection, connector } from "./connection.js";
import { isReadOnly, storageError } from "./errors.js";
import { Listener } from "./listener.js";
import { prune } from "./pruning.js";
import * as reads from "./reads.js";
import { migrate } from "./schema.js";
import { channel, type Statements, statements } from "./statements.js";
import { Writer } from "./writer.js";

/** Vacuuming, and the like: nobody waits for it. */
const MAINTENANCE_TIMEOUT_MS = 3_600_000;

/** One connection commits, several read, one cleans up, and one listens for the commits of other adapters. */
export class PostgresDriver implements SqlDriver {
  readonly shared = true;
  private readonly tables: Tables;
  private readonly sql: Statements;
  private readonly writing: Lane<Connection>;
  private readonly writer: Writer;
  private readonly reading: Lanes<Connection>;
  private readonly cleaning: Lane<Connection>;
  private readonly keyReads = new KeyReads((keys) => this.getNewest(keys));
  private readonly listeners = new Set<Listener>();
  private readonly where: string;

  constructor(
    private readonly settings: ServerSettings,
    private readonly logger: PluginContext["logger"],
  ) {
    const { host, port, database, user, poolSize, readTimeoutMs } = settings;
    this.where = `PostgreSQL at ${host}:${port}, database ${database ?? user ?? "of the user's name"}`;
    this.tables = tableNames(settings.tablePrefix);
    this.sql = statements(this.tables);
    this.writing = new Lane(connector(settings, "writer"), readTimeoutMs);
    this.writer = new Writer(this.writing, this.sql);
    this.reading = new Lanes(poolSize, connector(settings, "reader"), readTimeoutMs);
    this.cleaning = new Lane(connector(settings, "maintenance"), MAINTENANCE_TIMEOUT_MS);
  }

  async open(): Promise<void> {
    await this.writing.use((connection) => migrate(connection, this.tables, this.where));
    const [[version]] = (await this.reading.use((connection) => connection.run("show server_version"))) as [
      [string],
    ];
    this.logger.info({ version }, `keeps its data in ${this.where}`);
  }

  async close(): Promise<void> {
    this.writer.release();
    await Promise.all([...this.listeners].map((listener) => listener.end()));
    await Promise.all([this.writing.close(), this.reading.close(), this.cleaning.close()]);
  }

  head(): Promise<Head> {
    return this.reading.use((connection) => reads.readHead(connection, this.sql));
  }

  commit(commit: Commit): Promise<void> {
    return this.writer.commit(commit);
  }

  since(query: SinceQuery): Promise<SinceRows> {
    if (query.reserve) return this.writer.sinceInTurn(query);
    return this.reading.use((connection) => reads.readSince(connection, this.sql, query));
  }

  release(): void {
    this.writer.release();
  }

  async commitId(sequence: bigint): Promise<Buffer | undefined> {
    const rows = await this.reading.use((connection) => connection.call(this.sql.commitId, { sequence }));
    return rows[0]?.[0] as Buffer | undefined;
  }

  rangeNewest(query: RowsQuery): Promise<RangePage> {
    const key = query.limit > 0 ? singleKey(query.interval) : undefined;
    if (key) return this.keyReads.page(key, query.count);
    return this.reading.use((connection) => reads.readRange(connection, this.sql, query));
  }

  rangeAt(revision: bigint, query: RowsQuery): Promise<RangePage> {
    return this.reading.use((connection) => reads.readRange(connection, this.sql, query, revision));
  }

  getNewest(keys: readonly Buffer[]): Promise<GetResult> {
    return this.reading.use((connection) => reads.getNewest(connection, this.sql, keys));
  }

  getAt(revision: bigint, keys: readonly Buffer[]): Promise<GetResult> {
    return this.reading.use((connection) => reads.getAt(connection, this.sql, revision, keys));
  }

  leaseKeys(lease: bigint): Promise<{ head: Head; keys: Buffer[] }> {
    return this.reading.use((connection) => reads.readLeaseKeys(connection, this.sql, lease));
  }

  logRows(query: LogQuery): Promise<LogPage> {
    return this.reading.use((connection) => reads.readLogRows(connection, this.sql, query));
  }

  pruneState(): Promise<PruneState> {
    return this.cleaning.use((connection) => reads.readPruneState(connection, this.sql));
  }

  async positionAt(after: LogPosition, through: bigint, limit: number): Promise<LogPosition | undefined> {
    const [row] = await this.cleaning.use((connection) =>
      connection.call(this.sql.positionAt, { ...after, through, limit }),
    );
    return row && { revision: BigInt(row[0] as string), sub: Number(row[1]) };
  }

  prune(step: PruneStep): Promise<void> {
    return this.cleaning.use((connection) => prune(connection, this.sql, step));
  }

  async size(): Promise<StorageSize> {
    const [row] = await this.cleaning.use((connection) => connection.call(this.sql.size));
    const [total, inUse] = row as [string, string];
    return { total: BigInt(total), inUse: BigInt(inUse) };
  }

  async defragment(): Promise<void> {
    for (const vacuum of this.sql.vacuum) await this.cleaning.use((connection) => connection.run(vacuum));
  }

  async subscribe(listener: HeadListener): Promise<() => Promise<void>> {
    const { settings } = this;
    const one = new Listener(
      connector(settings, "listener"),
      channel(this.tables),
      listener,
      settings.readTimeoutMs,
    );
    this.listeners.add(one);
    await one.start();
    return async () => {
      this.listeners.delete(one);
      await one.end();
    };
  }

  storageError(error: unknown, during: "commit" | "other"): StorageError {
    if (isReadOnly(error)) {
      for (const lane of [this.writing, this.reading, this.cleaning]) lane.drop(error as Error);
    }
    return storageError(error, this.where, during);
  }
}
