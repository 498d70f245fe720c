import { type FileHandle, mkdir, open, rm } from "node:fs/promises";
import { join } from "node:path";

/** What a run in memory may take, its objects counted as RECORD_OVERHEAD_BYTES each. */
const RUN_BYTES = 64 * 1024 * 1024;
const RECORD_OVERHEAD_BYTES = 250;
const WRITE_BYTES = 1024 * 1024;
const READ_BYTES = 128 * 1024;
const HEAD_BYTES = 8;

export interface SortedRecord {
  readonly key: Buffer;
  readonly value: Buffer;
}

/**
 * Sorts more records than memory holds, by their keys' bytes; equal keys stay in the order in which they were added.
 * Runs are sorted in memory and written to a folder of its own, and merged as they are read: any number of times.
 */
export class ExternalSort {
  private run: SortedRecord[] = [];
  private runBytes = 0;
  private readonly files: string[] = [];

  constructor(
    private readonly folder: string,
    private readonly maxRunBytes = RUN_BYTES,
  ) {}

  /** Keeps both buffers as they are. */
  async add(key: Buffer, value: Buffer): Promise<void> {
    this.run.push({ key, value });
    this.runBytes += key.length + value.length + RECORD_OVERHEAD_BYTES;
    if (this.runBytes >= this.maxRunBytes) await this.spill();
  }

  /** All records, once no more are added. */
  async *sorted(): AsyncGenerator<SortedRecord> {
    this.run.sort(byKey);
    const cursors = await Promise.all(this.files.map((file) => RunFile.open(file)));
    try {
      yield* merged([...cursors, new RunInMemory(this.run)]);
    } finally {
      await Promise.all(cursors.map((cursor) => cursor.close()));
    }
  }

  async dispose(): Promise<void> {
    this.run = [];
    await rm(this.folder, { recursive: true, force: true });
  }

  private async spill(): Promise<void> {
    await mkdir(this.folder, { recursive: true, mode: 0o700 });
    const file = join(this.folder, `run-${this.files.length}`);
    this.run.sort(byKey);
    await writeRun(file, this.run);
    this.files.push(file);
    this.run = [];
    this.runBytes = 0;
  }
}

function byKey(a: SortedRecord, b: SortedRecord): number {
  return Buffer.compare(a.key, b.key);
}

/** A sorted run; `current` is undefined at its end. */
interface Cursor {
  readonly current: SortedRecord | undefined;
  /** A promise only where it has to wait for the disk. */
  advance(): Promise<void> | undefined;
}

async function* merged(runs: readonly Cursor[]): AsyncGenerator<SortedRecord> {
  for (const run of runs) await run.advance();
  const live = runs.filter((run) => run.current);
  for (;;) {
    // A run holds tens of thousands of records: there are too few runs for a heap to be worth it.
    let least: Cursor | undefined;
    for (const run of live) {
      if (run.current && (!least || byKey(run.current, least.current!) < 0)) least = run;
    }
    if (!least) return;
    yield least.current!;
    const waiting = least.advance();
    if (waiting) await waiting;
  }
}

class RunInMemory implements Cursor {
  current: SortedRecord | undefined;
  private next = 0;

  constructor(private readonly run: readonly SortedRecord[]) {}

  advance(): undefined {
    this.current = this.run[this.next++];
  }
}

class RunFile implements Cursor {
  current: SortedRecord | undefined;
  private bytes: Buffer = Buffer.alloc(0);
  private at = 0;

  private constructor(private readonly file: FileHandle) {}

  static async open(path: string): Promise<RunFile> {
    return new RunFile(await open(path));
  }

  advance(): Promise<void> | undefined {
    if (!this.decode()) return this.read();
    return undefined;
  }

  close(): Promise<void> {
    return this.file.close();
  }

  private decode(): boolean {
    const rest = this.bytes.length - this.at;
    if (rest < HEAD_BYTES) return false;
    const keyStart = this.at + HEAD_BYTES;
    const valueStart = keyStart + this.bytes.readUInt32LE(this.at);
    const end = valueStart + this.bytes.readUInt32LE(this.at + 4);
    if (end > this.bytes.length) return false;
    this.current = {
      key: this.bytes.subarray(keyStart, valueStart),
      value: this.bytes.subarray(valueStart, end),
    };
    this.at = end;
    return true;
  }

  private async read(): Promise<void> {
    do {
      const buffer = Buffer.allocUnsafe(READ_BYTES);
      const { bytesRead } = await this.file.read(buffer, 0, READ_BYTES);
      if (bytesRead === 0) {
        this.current = undefined;
        return;
      }
      this.bytes = Buffer.concat([this.bytes.subarray(this.at), buffer.subarray(0, bytesRead)]);
      this.at = 0;
    } while (!this.decode());
  }
}

async function writeRun(path: string, run: readonly SortedRecord[]): Promise<void> {
  const file = await open(path, "w", 0o600);
  try {
    let parts: Buffer[] = [];
    let bytes = 0;
    for (const { key, value } of run) {
      const head = Buffer.allocUnsafe(HEAD_BYTES);
      head.writeUInt32LE(key.length, 0);
      head.writeUInt32LE(value.length, 4);
      parts.push(head, key, value);
      bytes += HEAD_BYTES + key.length + value.length;
      if (bytes < WRITE_BYTES) continue;
      await file.writeFile(Buffer.concat(parts));
      parts = [];
      bytes = 0;
    }
    await file.writeFile(Buffer.concat(parts));
  } finally {
    await file.close();
  }
}
