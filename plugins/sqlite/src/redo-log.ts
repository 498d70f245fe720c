import { open, readFile, unlink } from "node:fs/promises";
import { dirname } from "node:path";
import { StorageError } from "@etcd-adapter/core/storage";
import { RedoFile, type RedoRecords, readRecords } from "./redo-file.js";

/** Of each of the two files. At ten thousand puts of 300 bytes a second, one is full in two seconds. */
const FILE_BYTES = 8 << 20;

/**
 * What was committed is here first: one small synced write, where SQLite needs a dozen and a longer sync. Two files take
 * turns: one is used again once the database holds, synced, all that is in it.
 */
export class RedoLog {
  private readonly files: RedoFile[] = [];
  /** The last sequence in each file. */
  private readonly last = [0n, 0n];
  private current = 0;
  private generation = 0n;
  private synced = 0n;
  private creating: Promise<void> | undefined;
  private failed = false;

  constructor(
    private readonly file: string,
    private readonly identity: bigint,
    private readonly onFailed: (cause: unknown) => void,
  ) {}

  /** What the log of a life that was cut short holds, oldest first. */
  static async read(file: string, identity: bigint): Promise<ArrayBuffer[]> {
    const found: RedoRecords[] = [];
    for (const path of paths(file)) {
      const content = await readFile(path).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== "ENOENT") throw error;
      });
      const records = content && readRecords(content);
      if (!records) continue;
      if (records.identity !== identity) throw stranger(file, path);
      found.push(records);
    }
    found.sort((one, other) => (one.generation < other.generation ? -1 : 1));
    return found.flatMap(({ blocks }) => blocks);
  }

  static async remove(file: string): Promise<void> {
    for (const path of paths(file)) {
      await unlink(path).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== "ENOENT") throw error;
      });
    }
  }

  /** Whether the file that is not being written to waits for the database to be synced, before it can be used again. */
  get wantsSync(): boolean {
    return this.last[1 - this.current]! > this.synced;
  }

  /** Resolves when the commit is on the disk: true, or false if there is no room for it here now. */
  async append(sequence: bigint, block: ArrayBuffer): Promise<boolean> {
    if (this.failed || !this.room(block.byteLength)) return false;
    try {
      await this.files[this.current]!.append(block);
    } catch (error) {
      this.fail(error);
      return false;
    }
    this.last[this.current] = sequence;
    return true;
  }

  /** The database holds, synced, all commits up to this one. */
  syncedThrough(sequence: bigint): void {
    this.synced = sequence;
  }

  async close(): Promise<void> {
    this.failed = true;
    await this.creating;
    for (const file of this.files) await file.close();
  }

  /** Whether the current file has room, or the other one can be begun. */
  private room(bytes: number): boolean {
    const file = this.files[this.current];
    const other = this.files[1 - this.current];
    if (!file || !other) this.creating ??= this.create();
    if (!other || !file) return false;
    if (this.generation > 0n && file.fits(bytes)) return true;
    if (this.wantsSync || !other.fits(bytes, true)) return false;
    this.current = 1 - this.current;
    other.begin(++this.generation);
    return true;
  }

  /** Beside the work: until the files are there, SQLite alone does. */
  private async create(): Promise<void> {
    const created: RedoFile[] = [];
    try {
      for (const path of paths(this.file)) {
        created.push(await RedoFile.create(path, this.identity, FILE_BYTES));
      }
      await syncFolder(dirname(this.file));
      this.files.push(...created);
    } catch (error) {
      this.fail(error);
      for (const file of created) await file.close();
      // On a disk that is nearly full, SQLite has a better use for the room.
      await RedoLog.remove(this.file).catch(() => {});
    }
  }

  private fail(error: unknown): void {
    if (this.failed) return;
    this.failed = true;
    this.onFailed(error);
  }
}

function paths(file: string): string[] {
  return [`${file}-redo-0`, `${file}-redo-1`];
}

async function syncFolder(folder: string): Promise<void> {
  // Windows can't, and need not.
  if (process.platform === "win32") return;
  const handle = await open(folder);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function stranger(file: string, path: string): StorageError {
  return new StorageError(
    "misconfigured",
    `${path} holds commits of another database than ${file}: move them together, or delete ${file}-redo-0 and ${file}-redo-1 to do without them`,
  );
}
