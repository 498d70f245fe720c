import type { StorageSize } from "./model.js";
import type { HeadListener } from "./query-storage.js";

/** One commit as a log storage keeps it. */
export interface Segment {
  readonly sequence: bigint;
  readonly bytes: Buffer;
}

/** The state up to and with `sequence`, from which a process starts without reading the segments below. */
export interface Snapshot {
  readonly sequence: bigint;
  readonly chunks: AsyncIterable<Buffer>;
}

/**
 * The small door, for coordinators such as Consul or ZooKeeper: an append-only sequence of segments with a
 * compare-and-set on its end. The state itself lives in the core's memory, replayed from here.
 * Errors, overlap and ownership are as in QueryStorage.
 */
export interface LogStorage {
  readonly shared: boolean;

  open(): Promise<void>;

  close(): Promise<void>;

  /** Sequence of the newest segment, 0n when there never was one, with every append acknowledged before the call. */
  last(): Promise<bigint>;

  /**
   * Makes segment `sequence` durable, whole or not at all, if and only if the newest one is `sequence - 1n`;
   * otherwise rejects with `conflict`. `encode` gives its bytes, tens of megabytes at the most: limits on the
   * size of one entry are the plugin's to meet, and readers never see a part.
   * Rejects with `uncertain` if the outcome is unknown.
   */
  append(sequence: bigint, encode: () => Buffer): Promise<void>;

  /**
   * Segments above `after`, in order and gapless, about `limitBytes` of them and one at least if there is one.
   * Rejects with `compacted` when the next one was trimmed.
   */
  read(after: bigint, limitBytes: number): Promise<Segment[]>;

  /** The newest whole snapshot. */
  loadSnapshot(): Promise<Snapshot | undefined>;

  /** Stores a snapshot, whole or not at all, unless a newer one is there. Older ones may be removed. */
  saveSnapshot(snapshot: Snapshot): Promise<void>;

  /** Removes segments up to and with `through`; the core keeps a margin below the newest snapshot for readers that lag. */
  trim(through: bigint): Promise<void>;

  size(): Promise<StorageSize>;

  subscribe?(listener: HeadListener): Promise<() => Promise<void>>;
}
