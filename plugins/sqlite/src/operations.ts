import type { Interval } from "@etcd-adapter/core/storage";
import type { LogPosition, LogQuery, PruneStep, RowsQuery } from "@etcd-adapter/core/storage/sql";
import type { Bounds } from "./pages.js";
import type { Reader } from "./reader.js";
import type { LogFilter } from "./statements.js";
import type { Writer } from "./writer.js";

export type Operations = ReturnType<typeof operations>;

/** What a worker thread can be asked for. Both kinds can do all of it; which does what is the storage's choice. */
export function operations(reader: Reader, writer: Writer) {
  return {
    commit: (blocks: readonly ArrayBuffer[], synced: boolean) => writer.commit(blocks, synced),
    prune: (step: PruneStep) => writer.prune(step),
    shrink: (pages: number) => writer.shrink(pages),
    truncateLog: () => writer.truncateLog(),
    range: (query: RowsQuery, bounds: Bounds, revision?: bigint) =>
      reader.range(revived(query), bounds, revision)!,
    leaseKeys: (lease: bigint, limit: number) => reader.leaseKeys(lease, limit)!,
    logRows: (query: LogQuery, filter: LogFilter, maxBytes: number) =>
      reader.logRows(revived(query), filter, maxBytes),
    positionAt: (after: LogPosition, through: bigint, limit: number) =>
      reader.positionAt(after, through, limit),
  };
}

/** Buffers that crossed to this thread arrive as plain arrays. */
function revived<T extends { readonly interval: Interval | null }>(query: T): T {
  const { interval } = query;
  if (interval === null) return query;
  const buffer = (bytes: Uint8Array) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return { ...query, interval: { start: buffer(interval.start), end: interval.end && buffer(interval.end) } };
}
