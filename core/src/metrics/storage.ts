import { Counter, type Registry } from "prom-client";
import { asStorageError, type Commit } from "../storage/index.js";
import { PlainHistogram, type Series } from "./plain-histogram.js";

/** etcd's buckets of disk operations: 1 ms, doubled 13 times. */
const DISK_SECONDS = Array.from({ length: 14 }, (_, power) => 0.001 * 2 ** power);
const CALL_SECONDS = [0.0001, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const GROUP_SIZES = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1_000];

/** What the backend does, how long it takes and what goes wrong there. */
export class StorageMetrics {
  private readonly seconds: PlainHistogram;
  private readonly operations = new Map<string, Series>();
  private readonly errors: Counter<"operation" | "code">;
  private readonly conflicts: Counter;
  private readonly group: Series;
  private readonly commitSeconds: readonly Series[];

  constructor(registry: Registry) {
    const registers = [registry];
    this.seconds = new PlainHistogram({
      name: "etcd_adapter_storage_seconds",
      help: 'Duration of calls to the storage; those of "since" are what keeps an adapter up, and what the poller asks.',
      labelNames: ["operation"],
      buckets: CALL_SECONDS,
      registers,
    });
    this.errors = new Counter({
      name: "etcd_adapter_storage_errors_total",
      help: "Calls to the storage that failed, conflicts of commits not counted.",
      labelNames: ["operation", "code"],
      registers,
    });
    this.conflicts = new Counter({
      name: "etcd_adapter_commit_conflicts_total",
      help: "Commits that another adapter's commit overtook, and that were evaluated again.",
      registers,
    });
    this.group = new PlainHistogram({
      name: "etcd_adapter_commit_revisions",
      help: "Revisions that one commit made.",
      buckets: GROUP_SIZES,
      registers,
    }).series();
    this.commitSeconds = [
      ["etcd_disk_backend_commit_duration_seconds", "The latency distributions of commit called by backend."],
      [
        "etcd_disk_wal_fsync_duration_seconds",
        "The latency distributions of a durable append to the log: the same.",
      ],
    ].map(([name, help]) =>
      new PlainHistogram({ name: name!, help: help!, buckets: DISK_SECONDS, registers }).series(),
    );
  }

  async timed<T>(operation: string, call: () => Promise<T>): Promise<T> {
    const start = performance.now();
    try {
      return await call();
    } catch (error) {
      this.failed(operation, error);
      throw error;
    } finally {
      this.took(operation, secondsSince(start));
    }
  }

  async commit(commit: Commit, call: () => Promise<void>): Promise<void> {
    const start = performance.now();
    await this.timed("commit", call);
    const seconds = secondsSince(start);
    for (const series of this.commitSeconds) series.observe(seconds);
    this.group.observe(commit.revisions.length);
  }

  private took(operation: string, seconds: number): void {
    let series = this.operations.get(operation);
    if (!series) {
      series = this.seconds.series({ operation });
      this.operations.set(operation, series);
    }
    series.observe(seconds);
  }

  private failed(operation: string, error: unknown): void {
    const { code } = asStorageError(error);
    if (code === "conflict") this.conflicts.inc();
    else this.errors.inc({ operation, code });
  }
}

function secondsSince(startMs: number): number {
  return (performance.now() - startMs) / 1_000;
}
