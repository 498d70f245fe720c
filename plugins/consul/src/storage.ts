import {
  type HeadListener,
  type LogStorage,
  type Segment,
  type Snapshot,
  StorageError,
  type StorageSize,
} from "@etcd-adapter/core/storage";
import {
  encodePosition,
  inlineCapacity,
  SegmentParts,
  Snapshots,
  START,
} from "@etcd-adapter/core/storage/log/segments";
import { connectAll } from "./api.js";
import { ConsulClient, type Operation } from "./client.js";
import { whenOpening } from "./errors.js";
import { Keys } from "./keys.js";
import type { ConsulOptions } from "./options.js";
import { Pieces } from "./pieces.js";
import { Reader } from "./reader.js";
import { snapshotPlace } from "./snapshots.js";
import { conflict, Tip } from "./tip.js";
import { Trimmer } from "./trim.js";
import { HeadWatch } from "./watch.js";

/** Of a transaction's request, what JSON, keys and the head take; base64 makes four bytes of three. */
const TRANSACTION_OVERHEAD_BYTES = 4_096;

interface Parts {
  readonly client: ConsulClient;
  readonly tip: Tip;
  readonly reader: Reader;
  readonly trimmer: Trimmer;
  readonly snapshots: Snapshots;
  readonly segmentParts: SegmentParts;
}

export class ConsulStorage implements LogStorage {
  readonly shared = true;
  readonly #options: ConsulOptions;
  readonly #keys: Keys;
  readonly #inlineBytes: number;
  readonly #watches = new Set<HeadWatch>();
  #client: ConsulClient | undefined;
  #opened: Parts | undefined;
  #closed = false;

  constructor(options: ConsulOptions) {
    this.#options = options;
    this.#keys = new Keys(options.prefix);
    const requestBytes = options.maxValueBytes - TRANSACTION_OVERHEAD_BYTES - 2 * options.prefix.length;
    this.#inlineBytes = inlineCapacity(Math.floor(requestBytes / 4) * 3);
  }

  async open(): Promise<void> {
    if (this.#closed) throw closed();
    const client = new ConsulClient(await connectAll(this.#options), this.#options);
    this.#client = client;
    try {
      // also when they are there: it shows whether the token may write
      await client.putIf(this.#keys.head, encodePosition(START), 0);
      await client.putIf(this.#keys.trimmed, encodePosition(START), 0);
      const parts = this.#assemble(client);
      await parts.tip.refresh({ consistent: true });
      if (this.#closed) throw closed();
      this.#opened = parts;
    } catch (error) {
      client.close();
      throw this.#closed ? closed() : whenOpening(error);
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const watch of this.#watches) watch.stop();
    this.#watches.clear();
    this.#client?.close();
    this.#opened = undefined;
  }

  async last(): Promise<bigint> {
    return (await this.#parts.tip.refresh({ consistent: true })).sequence;
  }

  async append(sequence: bigint, encode: () => Buffer): Promise<void> {
    const { client, tip, segmentParts } = this.#parts;
    const head = await tip.at(sequence - 1n);
    const segment = encode();
    const bytes = head.bytes + BigInt(segment.length);
    const entry = await segmentParts.prepare(sequence, segment, bytes);
    const operations: Operation[] = [
      { verb: "cas", key: this.#keys.head, value: encodePosition({ sequence, bytes }), index: head.index },
      { verb: "cas", key: this.#keys.segment(sequence), value: entry.bytes, index: 0 },
    ];
    const answer = await client.transact(operations, { purpose: "append" });
    if (answer === undefined) {
      await segmentParts.discard(entry);
      throw conflict(sequence);
    }
    const [written] = answer;
    if (written) tip.learn({ sequence, bytes, index: written.modifyIndex });
  }

  read(after: bigint, limitBytes: number): Promise<Segment[]> {
    return this.#using((parts) => parts.reader.read(after, limitBytes));
  }

  loadSnapshot(): Promise<Snapshot | undefined> {
    return this.#using((parts) => parts.snapshots.load());
  }

  saveSnapshot(snapshot: Snapshot): Promise<void> {
    return this.#using((parts) => parts.snapshots.save(snapshot));
  }

  trim(through: bigint): Promise<void> {
    return this.#using(async (parts) =>
      parts.trimmer.trim(through, await parts.tip.refresh({ consistent: true })),
    );
  }

  async size(): Promise<StorageSize> {
    const { tip, trimmer, snapshots } = this.#parts;
    const [head, trimmed, snapshot] = await Promise.all([
      tip.refresh({ consistent: false }),
      trimmer.trimmed(),
      snapshots.newest(),
    ]);
    const bytes = head.bytes - trimmed.position.bytes + (snapshot?.bytes ?? 0n);
    return { total: bytes, inUse: bytes };
  }

  async subscribe(listener: HeadListener): Promise<() => Promise<void>> {
    const { client, tip } = this.#parts;
    const watch = new HeadWatch(client, this.#keys, tip, this.#options.watchWaitMs, listener);
    this.#watches.add(watch);
    await watch.start();
    return async () => {
      watch.stop();
      this.#watches.delete(watch);
    };
  }

  get #parts(): Parts {
    if (this.#opened) return this.#opened;
    throw this.#closed ? closed() : new StorageError("internal", "the storage is not open");
  }

  async #using<T>(run: (parts: Parts) => Promise<T>): Promise<T> {
    return run(this.#parts);
  }

  #assemble(client: ConsulClient): Parts {
    const pieceBytes = this.#options.maxValueBytes;
    const segmentParts = new SegmentParts(new Pieces(client, this.#keys.parts), {
      inlineBytes: this.#inlineBytes,
      partBytes: pieceBytes,
    });
    const chunks = new Pieces(client, this.#keys.snapshots);
    const tip = new Tip(client, this.#keys);
    const reader = new Reader(client, this.#keys, segmentParts, tip);
    const trimmer = new Trimmer(client, this.#keys, segmentParts, reader);
    const snapshots = new Snapshots(snapshotPlace(client, this.#keys), chunks, pieceBytes);
    return { client, tip, reader, segmentParts, trimmer, snapshots };
  }
}

function closed(): StorageError {
  return new StorageError("closed", "the storage was closed");
}
