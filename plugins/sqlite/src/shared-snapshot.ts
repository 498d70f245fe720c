import type { Head } from "@etcd-adapter/core/storage";
import type { Connection } from "./connection.js";

/**
 * One snapshot for all reads of a turn of the event loop, so that each does not pay for a transaction and for the head.
 * None is held while the writer works: it would keep the write-ahead log from ever starting anew. So what it shows is
 * always the newest.
 */
export class SharedSnapshot {
  private head: Head | undefined;
  private known: Head | undefined;
  private isOpen = false;
  private writes = 0;

  constructor(private readonly connection: Connection) {}

  /** `isOne`: with a known head, `work` is a single statement, which is a snapshot by itself. */
  run<T>(work: () => T, isOne = false): T {
    if (isOne && this.known && !this.isOpen) return work();
    if (this.writes > 0) return this.connection.transaction("deferred", work);
    if (!this.isOpen) this.begin();
    try {
      return work();
    } catch (error) {
      this.end();
      throw error;
    }
  }

  /** For `work`, which reads nothing that differs between them, `head` stands for whichever head its snapshot has. */
  withHead<T>(head: Head, work: () => T): T {
    this.known = head;
    try {
      return work();
    } finally {
      this.known = undefined;
    }
  }

  /** The head, read once in a snapshot. */
  headOf(read: () => Head): Head {
    if (this.known) return this.known;
    if (!this.isOpen) return read();
    this.head ??= read();
    return this.head;
  }

  /** Nothing is shared until the write has ended. */
  async during<T>(write: () => Promise<T>): Promise<T> {
    this.end();
    this.writes++;
    try {
      return await write();
    } finally {
      this.writes--;
    }
  }

  end(): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.head = undefined;
    // SQLite ends it itself after some errors.
    if (this.connection.database.inTransaction) this.connection.statement("commit").run();
  }

  private begin(): void {
    this.connection.statement("begin deferred").run();
    this.isOpen = true;
    setImmediate(() => this.end());
  }
}
