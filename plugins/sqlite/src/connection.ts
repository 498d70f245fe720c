import type { Tables } from "@etcd-adapter/core/storage/sql";
import type { Database, Statement } from "better-sqlite3";
import type { Library } from "./library.js";

/** What every connection to the file has in common; crosses to the worker threads. */
export interface FileSettings {
  readonly file: string;
  readonly tables: Tables;
  readonly busyTimeoutMs: number;
  readonly cacheSizeMib: number;
}

/** One column value as these statements see it: integers are exact. */
export type Value = bigint | Buffer | string | null;

export type Parameters = Record<string, bigint | number | string | Uint8Array | null>;

const PAGE_BYTES = 8192;

/**
 * Pages in the write-ahead log at which a commit moves them into the database: 32 MiB. Larger saves writing a page
 * that changes often, smaller keeps that commit short. Doing it in another thread was no faster: the disk is the same.
 */
const CHECKPOINT_PAGES = 4096;

/** A connection with its statements, each prepared once. */
export class Connection {
  private readonly statements = new Map<string, Statement<unknown[], Value[]>>();
  private syncs = true;
  private readonly columns = new Map<string, Statement<unknown[], Value>>();

  private constructor(readonly database: Database) {}

  static open(library: Library, settings: FileSettings): Connection {
    const database = new library(settings.file, { timeout: settings.busyTimeoutMs });
    try {
      // These two count for a new file only, and only in this order.
      database.pragma(`page_size = ${PAGE_BYTES}`);
      database.pragma("auto_vacuum = incremental");
      database.pragma("journal_mode = wal");
      database.pragma("synchronous = full");
      database.pragma("fullfsync = on");
      database.pragma(`wal_autocheckpoint = ${CHECKPOINT_PAGES}`);
      database.pragma(`journal_size_limit = ${2 * CHECKPOINT_PAGES * PAGE_BYTES}`);
      database.pragma(`cache_size = ${-1024 * settings.cacheSizeMib}`);
      return new Connection(database);
    } catch (error) {
      database.close();
      throw error;
    }
  }

  first(sql: string, parameters: Parameters = {}): Value[] | undefined {
    return this.statement(sql).get(parameters);
  }

  all(sql: string, parameters: Parameters = {}): Value[][] {
    return this.statement(sql).all(parameters);
  }

  /** The first row's first column: cheaper than a row. */
  value(sql: string, ...parameters: unknown[]): Value | undefined {
    return this.column(sql).get(...parameters);
  }

  /** Each row's first column. */
  values(sql: string, parameters: Parameters): Value[] {
    return this.column(sql).all(parameters);
  }

  statement(sql: string): Statement<unknown[], Value[]> {
    let statement = this.statements.get(sql);
    if (!statement) {
      statement = this.database.prepare<unknown[], Value[]>(sql).safeIntegers(true);
      if (statement.reader) statement.raw(true);
      this.statements.set(sql, statement);
    }
    return statement;
  }

  private column(sql: string): Statement<unknown[], Value> {
    let statement = this.columns.get(sql);
    if (!statement) {
      statement = this.database.prepare<unknown[], Value>(sql).safeIntegers(true).pluck(true);
      this.columns.set(sql, statement);
    }
    return statement;
  }

  /** Runs `work` in a transaction: a snapshot for reads, and for writes all or nothing. */
  transaction<T>(kind: "deferred" | "immediate", work: () => T): T {
    this.statement(`begin ${kind}`).run();
    try {
      const result = work();
      this.statement("commit").run();
      return result;
    } catch (error) {
      // SQLite ends the transaction itself after some errors, a full disk among them.
      if (this.database.inTransaction) this.statement("rollback").run();
      throw error;
    }
  }

  /** Whether a commit returns when it is on the disk: so at first. Without, a crash of the machine may undo the newest. */
  sync(commits: boolean): void {
    if (commits === this.syncs) return;
    this.database.pragma(`synchronous = ${commits ? "full" : "normal"}`);
    this.syncs = commits;
  }

  close(): void {
    this.database.close();
  }
}
