import type {
  ChangesPage,
  ChangesQuery,
  Commit,
  GetQuery,
  GetResult,
  Head,
  HeadListener,
  News,
  QueryStorage,
  RangePage,
  RangeQuery,
  SinceQuery,
  StorageSize,
} from "../storage/index.js";
import type { StorageMetrics } from "./storage.js";

/** A storage whose calls are measured. */
export class MeteredStorage implements QueryStorage {
  readonly release?: () => Promise<void>;
  readonly defragment?: () => Promise<void>;
  readonly subscribe?: (listener: HeadListener) => Promise<() => Promise<void>>;

  constructor(
    private readonly storage: QueryStorage,
    private readonly metrics: StorageMetrics,
  ) {
    if (storage.release) this.release = () => storage.release!();
    if (storage.defragment) this.defragment = () => metrics.timed("defragment", () => storage.defragment!());
    if (storage.subscribe) this.subscribe = (listener) => storage.subscribe!(listener);
  }

  get shared(): boolean {
    return this.storage.shared;
  }

  open(): Promise<void> {
    return this.metrics.timed("open", () => this.storage.open());
  }

  close(): Promise<void> {
    return this.storage.close();
  }

  head(): Promise<Head> {
    return this.metrics.timed("head", () => this.storage.head());
  }

  commit(commit: Commit): Promise<void> {
    return this.metrics.commit(commit, () => this.storage.commit(commit));
  }

  commitId(sequence: bigint): Promise<Buffer | undefined> {
    return this.metrics.timed("commit-id", () => this.storage.commitId(sequence));
  }

  range(query: RangeQuery): Promise<RangePage> {
    return this.metrics.timed("range", () => this.storage.range(query));
  }

  get(query: GetQuery): Promise<GetResult> {
    return this.metrics.timed("get", () => this.storage.get(query));
  }

  leaseKeys(lease: bigint): Promise<{ head: Head; keys: Buffer[] }> {
    return this.metrics.timed("lease-keys", () => this.storage.leaseKeys(lease));
  }

  changes(query: ChangesQuery): Promise<ChangesPage> {
    return this.metrics.timed("changes", () => this.storage.changes(query));
  }

  since(query: SinceQuery): Promise<News> {
    return this.metrics.timed("since", () => this.storage.since(query));
  }

  prune(limit: number): Promise<boolean> {
    return this.metrics.timed("prune", () => this.storage.prune(limit));
  }

  size(): Promise<StorageSize> {
    return this.metrics.timed("size", () => this.storage.size());
  }
}
