import { type Head, type Interval, type QueryStorage, StorageError } from "../storage/index.js";
import { keyName } from "./keys.js";
import type { RowPage, RowSource } from "./range.js";
import { decodeField, type KeyValue } from "./record.js";
import type { KeySpaceView } from "./transaction.js";

const ANY_KEY = Buffer.from([0]);

/** The key space at one revision, that of its first read: what a transaction without writes is evaluated on. */
export class ReadView implements KeySpaceView {
  private readonly fields = new Map<string, Buffer | undefined>();

  private constructor(
    private readonly storage: QueryStorage,
    readonly head: Head,
  ) {}

  /** Reads the keys that will be looked up one by one, at the newest revision. */
  static async open(
    storage: QueryStorage,
    keys: readonly Buffer[],
    linearizable: boolean,
  ): Promise<ReadView> {
    const wanted = keys.length > 0 ? keys : [ANY_KEY];
    const { head, fields } = await storage.get({ keys: wanted, revision: 0n, linearizable });
    const view = new ReadView(storage, head);
    for (const [index, key] of wanted.entries()) view.fields.set(keyName(key), fields[index]);
    return view;
  }

  get revision(): bigint {
    return this.head.revision;
  }

  get currentRevision(): bigint {
    return this.head.revision;
  }

  get compacted(): bigint {
    return this.head.compacted;
  }

  async load(keys: readonly Buffer[]): Promise<void> {
    const missing = keys.filter((key) => !this.fields.has(keyName(key)));
    if (missing.length === 0) return;
    const found = await this.storage.get({ keys: missing, revision: this.revision, linearizable: false });
    for (const [index, key] of missing.entries()) this.fields.set(keyName(key), found.fields[index]);
  }

  get(key: Buffer): Buffer | undefined {
    return this.fields.get(keyName(key));
  }

  async read(key: Buffer): Promise<KeyValue | undefined> {
    await this.load([key]);
    const field = this.get(key);
    return field && decodeField(field);
  }

  page(interval: Interval, limit: number, count: boolean, descending: boolean): Promise<RowPage> {
    return this.rowsAt(this.revision).page(interval, limit, count, descending);
  }

  async olderRows(revision: bigint): Promise<RowSource> {
    return this.rowsAt(revision);
  }

  registryGet(): Buffer | undefined {
    throw readOnly();
  }

  put(): void {
    throw readOnly();
  }

  delete(): void {
    throw readOnly();
  }

  adopt(): void {
    throw readOnly();
  }

  private rowsAt(revision: bigint): RowSource {
    return {
      page: (interval, limit, count, descending) =>
        this.storage.range({ interval, revision, limit, count, descending, linearizable: false }),
    };
  }
}

function readOnly(): StorageError {
  return new StorageError("internal", "a transaction without writes tried to write");
}
