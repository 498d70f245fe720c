import {
  type HeadListener,
  type LogStorage,
  type Segment,
  type Snapshot,
  StorageError,
  type StorageSize,
} from "@etcd-adapter/core/storage";
import {
  corrupt,
  encodePosition,
  inlineCapacity,
  SegmentParts,
  Snapshots,
} from "@etcd-adapter/core/storage/log/segments";
import type { Failure, Operation } from "./connection.js";
import { readAuth } from "./credentials.js";
import { Code, fromZooKeeper, whenOpening } from "./errors.js";
import { initialise } from "./layout.js";
import { acls } from "./library.js";
import type { ZooKeeperOptions } from "./options.js";
import { Paths } from "./paths.js";
import { Pieces } from "./pieces.js";
import { Reader } from "./reader.js";
import { Session } from "./session.js";
import { snapshotPlace } from "./snapshots.js";
import { conflict, Tip } from "./tip.js";
import { Trimmer } from "./trim.js";
import { HeadWatch } from "./watch.js";

interface Parts {
  readonly session: Session;
  readonly tip: Tip;
  readonly reader: Reader;
  readonly trimmer: Trimmer;
  readonly snapshots: Snapshots;
  readonly segmentParts: SegmentParts;
}

export class ZooKeeperStorage implements LogStorage {
  readonly shared = true;
  readonly #options: ZooKeeperOptions;
  readonly #paths: Paths;
  readonly #inlineBytes: number;
  readonly #watches = new Set<HeadWatch>();
  #session: Session | undefined;
  #opened: Parts | undefined;
  #closed = false;

  constructor(options: ZooKeeperOptions) {
    this.#options = options;
    this.#paths = new Paths(options.chroot);
    // besides the entry the transaction holds three paths, the head and an ACL
    this.#inlineBytes = inlineCapacity(options.maxEntryBytes - 1_024 - 4 * options.chroot.length);
  }

  async open(): Promise<void> {
    if (this.#closed) throw closed();
    const session = new Session(this.#options.servers, {
      sessionTimeoutMs: this.#options.sessionTimeoutMs,
      requestTimeoutMs: this.#options.requestTimeoutMs,
      auth: await readAuth(this.#options),
      acl: acls[this.#options.acl],
    });
    this.#session = session;
    try {
      await session.start();
      await session.run("repeatable", (connection) =>
        initialise(connection, this.#options.chroot, this.#paths),
      );
      const parts = this.#assemble(session);
      // also shows whether we may write
      await parts.tip.confirm();
      if (this.#closed) throw closed();
      this.#opened = parts;
    } catch (error) {
      await session.close();
      throw this.#closed ? closed() : whenOpening(error, this.#options.chroot);
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const watch of this.#watches) watch.stop();
    this.#watches.clear();
    this.#opened = undefined;
    await this.#session?.close();
  }

  async last(): Promise<bigint> {
    return (await this.#parts.tip.confirm()).sequence;
  }

  async append(sequence: bigint, encode: () => Buffer): Promise<void> {
    const { session, tip, segmentParts } = this.#parts;
    const previous = await tip.at(sequence - 1n);
    const segment = encode();
    const position = { sequence, bytes: previous.bytes + BigInt(segment.length) };
    const entry = await segmentParts.prepare(sequence, segment, position.bytes);
    const operations: Operation[] = [
      { do: "check", path: this.#paths.segment(previous.sequence) },
      { do: "create", path: this.#paths.segment(sequence), data: entry.bytes },
      { do: "set", path: this.#paths.head, data: encodePosition(position) },
    ];
    const failure = await session.run("append", (connection) => connection.multi(operations));
    if (failure) {
      await segmentParts.discard(entry);
      throw this.#refusal(failure, sequence);
    }
    tip.learn(position);
  }

  read(after: bigint, limitBytes: number): Promise<Segment[]> {
    return this.#using((parts) => parts.reader.read(after, limitBytes));
  }

  loadSnapshot(): Promise<Snapshot | undefined> {
    return this.#using(async (parts) => {
      // a server that lags might know an older one only, from which the log is trimmed away
      await parts.tip.confirm();
      return parts.snapshots.load();
    });
  }

  saveSnapshot(snapshot: Snapshot): Promise<void> {
    return this.#using((parts) => parts.snapshots.save(snapshot));
  }

  trim(through: bigint): Promise<void> {
    return this.#using(async (parts) => parts.trimmer.trim(through, await parts.tip.confirm()));
  }

  size(): Promise<StorageSize> {
    return this.#using(async ({ tip, trimmer, snapshots }) => {
      const [newest, trimmed, snapshot] = await Promise.all([
        tip.refresh(),
        trimmer.trimmed(),
        snapshots.newest(),
      ]);
      const bytes = newest.bytes - trimmed.bytes + (snapshot?.bytes ?? 0n);
      return { total: bytes, inUse: bytes };
    });
  }

  async subscribe(listener: HeadListener): Promise<() => Promise<void>> {
    const { session, tip } = this.#parts;
    const watch = new HeadWatch(session, this.#paths, tip, listener);
    this.#watches.add(watch);
    watch.start();
    return async () => {
      watch.stop();
      this.#watches.delete(watch);
    };
  }

  #refusal({ index, code }: Failure, sequence: bigint): StorageError {
    if (index < 2 && (code === Code.NO_NODE || code === Code.NODE_EXISTS)) return conflict(sequence);
    if (code === Code.NO_NODE) return corrupt(`${this.#paths.head}: the znode is gone`);
    return fromZooKeeper({ code, message: `ZooKeeper refused the append with error ${code}` }, "append");
  }

  get #parts(): Parts {
    if (this.#opened) return this.#opened;
    throw this.#closed ? closed() : new StorageError("internal", "the storage is not open");
  }

  async #using<T>(run: (parts: Parts) => Promise<T>): Promise<T> {
    return run(this.#parts);
  }

  #assemble(session: Session): Parts {
    const pieceBytes = this.#options.maxEntryBytes;
    const segmentParts = new SegmentParts(new Pieces(session, this.#paths.parts), {
      inlineBytes: this.#inlineBytes,
      partBytes: pieceBytes,
    });
    const chunks = new Pieces(session, this.#paths.snapshots);
    const tip = new Tip(session, this.#paths);
    const reader = new Reader(session, this.#paths, segmentParts, tip);
    const trimmer = new Trimmer(session, this.#paths, segmentParts, reader);
    const snapshots = new Snapshots(snapshotPlace(session, this.#paths), chunks, pieceBytes);
    return { session, tip, reader, segmentParts, trimmer, snapshots };
  }
}

function closed(): StorageError {
  return new StorageError("closed", "the storage was closed");
}
