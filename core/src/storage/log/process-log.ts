import { setImmediate as nextTurn } from "node:timers/promises";
import { StorageError } from "../errors.js";
import type { LogStorage, Segment, Snapshot } from "../log-storage.js";
import type { StorageSize } from "../model.js";
import type { HeadListener } from "../query-storage.js";

/** What becomes of an append, for tests of the paths that a healthy backend rarely takes. */
export type AppendFault = "lost acknowledgement" | "lost request" | "unavailable";

/** A backend inside this process, durable as long as somebody holds it, with faults to order. For tests. */
export class ProcessLogBackend {
  segments: Segment[] = [];
  snapshot: { sequence: bigint; chunks: Buffer[] } | undefined;
  readonly listeners = new Set<HeadListener>();
  /** Called before each append; what it answers happens. */
  fault: (sequence: bigint) => AppendFault | undefined = () => undefined;
  calls = { last: 0, read: 0, loadSnapshot: 0, saveSnapshot: 0, trim: 0 };

  get last(): bigint {
    return this.segments.at(-1)?.sequence ?? this.#trimmed;
  }

  #trimmed = 0n;
  #delays = 1;

  nextDelay(): number {
    this.#delays = (Math.imul(this.#delays, 1664525) + 1013904223) >>> 0;
    return 1 + (this.#delays >>> 30);
  }

  trim(through: bigint): void {
    const kept = this.segments.filter((segment) => segment.sequence > through);
    if (kept.length < this.segments.length) this.#trimmed = (kept[0]?.sequence ?? this.last + 1n) - 1n;
    this.segments = kept;
  }
}

/** One adapter's access to a ProcessLogBackend; every call takes some turns of the event loop. */
export class ProcessLog implements LogStorage {
  readonly shared = true;
  readonly #backend: ProcessLogBackend;
  readonly #subscriptions = new Set<HeadListener>();
  #closed = false;

  constructor(backend: ProcessLogBackend) {
    this.#backend = backend;
  }

  async open(): Promise<void> {
    await this.#turn();
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const listener of this.#subscriptions) this.#backend.listeners.delete(listener);
  }

  async last(): Promise<bigint> {
    this.#backend.calls.last++;
    await this.#turn();
    const { last } = this.#backend;
    await this.#turn();
    return last;
  }

  async append(sequence: bigint, encode: () => Buffer): Promise<void> {
    await this.#turn();
    const backend = this.#backend;
    const fault = backend.fault(sequence);
    if (fault === "unavailable") throw new StorageError("unavailable", "Ordered by the test");
    if (fault === "lost request") throw new StorageError("uncertain", "Ordered by the test");
    if (sequence !== backend.last + 1n) throw new StorageError("conflict", `The newest is ${backend.last}`);
    backend.segments.push({ sequence, bytes: Buffer.from(encode()) });
    for (const listener of backend.listeners) setImmediate(() => listener.onMoved());
    for (let left = backend.nextDelay(); left > 0; left--) await nextTurn();
    if (fault === "lost acknowledgement") throw new StorageError("uncertain", "Ordered by the test");
  }

  async read(after: bigint, limitBytes: number): Promise<Segment[]> {
    this.#backend.calls.read++;
    await this.#turn();
    const { segments, last } = this.#backend;
    const first = segments[0]?.sequence ?? last + 1n;
    if (after + 1n < first) throw new StorageError("compacted", `Segments below ${first} were trimmed`);
    const found: Segment[] = [];
    for (let at = Number(after + 1n - first), bytes = 0; at < segments.length && bytes < limitBytes; at++) {
      found.push(segments[at]!);
      bytes += segments[at]!.bytes.length;
    }
    return found;
  }

  async loadSnapshot(): Promise<Snapshot | undefined> {
    this.#backend.calls.loadSnapshot++;
    await this.#turn();
    const { snapshot } = this.#backend;
    return snapshot && { sequence: snapshot.sequence, chunks: replay(snapshot.chunks) };
  }

  async saveSnapshot(snapshot: Snapshot): Promise<void> {
    this.#backend.calls.saveSnapshot++;
    const chunks: Buffer[] = [];
    for await (const chunk of snapshot.chunks) chunks.push(Buffer.from(chunk));
    await this.#turn();
    if (snapshot.sequence <= (this.#backend.snapshot?.sequence ?? -1n)) return;
    this.#backend.snapshot = { sequence: snapshot.sequence, chunks };
  }

  async trim(through: bigint): Promise<void> {
    this.#backend.calls.trim++;
    await this.#turn();
    this.#backend.trim(through);
  }

  async size(): Promise<StorageSize> {
    await this.#turn();
    const segments = this.#backend.segments.reduce((sum, { bytes }) => sum + bytes.length, 0);
    const snapshot = this.#backend.snapshot?.chunks.reduce((sum, { length }) => sum + length, 0) ?? 0;
    return { total: BigInt(segments + snapshot), inUse: BigInt(segments + snapshot) };
  }

  async subscribe(listener: HeadListener): Promise<() => Promise<void>> {
    await this.#turn();
    this.#subscriptions.add(listener);
    this.#backend.listeners.add(listener);
    return async () => {
      this.#backend.listeners.delete(listener);
    };
  }

  /** One to four turns, so that calls overtake each other; in the same sequence in each run. */
  async #turn(): Promise<void> {
    for (let left = this.#backend.nextDelay(); left > 0; left--) {
      this.#refuseClosed();
      await nextTurn();
    }
    this.#refuseClosed();
  }

  #refuseClosed(): void {
    if (this.#closed) throw new StorageError("closed", "The log was closed");
  }
}

/** Cut anew, as a backend with its own limits would do. */
async function* replay(chunks: readonly Buffer[]): AsyncGenerator<Buffer> {
  const pieceBytes = 1000;
  for (const chunk of chunks) {
    for (let at = 0; at < chunk.length; at += pieceBytes) yield chunk.subarray(at, at + pieceBytes);
  }
}
