import type { GetResult, Head, RangePage } from "../model.js";

/** So many statements are under way at once, each for so many keys: together they answer more than a connection each for one. */
const MAX_STATEMENTS = 2;
const MAX_KEYS = 64;
/** Of a statement's keys, if they are several: far below every database's limit on a statement's length. */
const MAX_KEY_BYTES = 256 * 1024;
/** Of an answer, if its fields are as large as those before it. */
const ANSWER_BYTES = 8 * 1024 * 1024;

const NOTHING: Buffer = Buffer.alloc(0);

interface Waiting {
  readonly key: Buffer;
  readonly count: boolean;
  resolve(page: RangePage): void;
  reject(error: unknown): void;
}

/**
 * Ranges over one key, at the newest revision. Those that come while others are being read wait, and are then read together
 * by one statement: begun after each of them was, it is as new as each must be.
 */
export class KeyReads {
  private waiting: Waiting[] = [];
  private underWay = 0;
  private isScheduled = false;
  /** Bytes of a field lately, rather too many than too few. */
  private fieldBytes = 1;

  constructor(private readonly read: (keys: readonly Buffer[]) => Promise<GetResult>) {}

  page(key: Buffer, count: boolean): Promise<RangePage> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ key, count, resolve, reject });
      this.schedule();
    });
  }

  /** What arrives in one turn of the event loop goes together. */
  private schedule(): void {
    if (this.isScheduled || this.underWay === MAX_STATEMENTS) return;
    this.isScheduled = true;
    setImmediate(() => {
      this.isScheduled = false;
      while (this.waiting.length > 0 && this.underWay < MAX_STATEMENTS) {
        void this.send(this.waiting.splice(0, this.groupSize()));
      }
    });
  }

  private groupSize(): number {
    const most = Math.min(this.waiting.length, MAX_KEYS, Math.floor(ANSWER_BYTES / this.fieldBytes));
    let bytes = this.waiting[0]!.key.length;
    let size = 1;
    while (size < most && bytes + this.waiting[size]!.key.length <= MAX_KEY_BYTES) {
      bytes += this.waiting[size++]!.key.length;
    }
    return size;
  }

  private async send(group: readonly Waiting[]): Promise<void> {
    this.underWay++;
    try {
      const { head, fields } = await this.read(group.map(({ key }) => key));
      const bytes = fields.reduce((sum, field) => sum + (field?.length ?? 0), 0);
      this.fieldBytes = Math.max(1, bytes / fields.length, this.fieldBytes / 2);
      for (const [index, { count, resolve }] of group.entries())
        resolve(pageOfKey(head, fields[index], count));
    } catch (error) {
      for (const { reject } of group) reject(error);
    } finally {
      this.underWay--;
      if (this.waiting.length > 0) this.schedule();
    }
  }
}

/** A range over one key, from what there is of it. */
export function pageOfKey(head: Head, field: Buffer | undefined, count: boolean): RangePage {
  const rows = field ? 1 : 0;
  return { head, fields: field ?? NOTHING, rows, more: false, count: count ? BigInt(rows) : 0n };
}
