import { realpath } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { StorageError } from "@etcd-adapter/core/storage";
import type { Database } from "better-sqlite3";
import type { Library } from "./library.js";

/** A predecessor that is just ending gets so long to let go. */
const ATTEMPTS = 6;
const ATTEMPT_MS = 100;

/**
 * Keeps a second adapter off a database file: an exclusive transaction on an empty database beside it. It is the
 * operating system that holds the lock, for the process: killed, in whatever way, it holds none.
 */
export class FileLock {
  private constructor(private readonly database: Database) {}

  static async take(library: Library, file: string): Promise<FileLock> {
    const path = `${await canonical(file)}-lock`;
    for (let attempt = 1; ; attempt++) {
      const database = new library(path, { timeout: 0 });
      try {
        database.pragma("journal_mode = memory");
        database.exec("begin exclusive");
        return new FileLock(database);
      } catch (error) {
        database.close();
        if (!isBusy(error)) throw error;
        if (attempt === ATTEMPTS) throw inUse(file, path, error);
      }
      await delay(ATTEMPT_MS);
    }
  }

  release(): void {
    this.database.close();
  }
}

/** One name for one file, by whatever links it is reached. */
async function canonical(file: string): Promise<string> {
  return realpath(file).catch(async () => join(await realpath(dirname(file)), basename(file)));
}

function isBusy(error: unknown): boolean {
  return error instanceof Error && "code" in error && String(error.code).startsWith("SQLITE_BUSY");
}

function inUse(file: string, path: string, cause: unknown): StorageError {
  return new StorageError(
    "misconfigured",
    `another etcd-adapter uses ${file} (it holds ${path}): stop it, or give this one a file of its own; adapters that share their data need a database server`,
    { cause },
  );
}
