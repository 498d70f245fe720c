import { randomUUID } from "node:crypto";
import { crc32 } from "node:zlib";
import { StorageError } from "../../errors.js";
import type { Snapshot } from "../../log-storage.js";
import { corrupt } from "../corrupt.js";
import { Groups, type PieceStore } from "./groups.js";
import { groupName } from "./names.js";
import { repack } from "./pieces.js";
import { encodeSnapshotPointer, parseSnapshotPointer, type SnapshotPointer } from "./pointers.js";

/** The one small entry that names the newest snapshot. A plugin implements it; rejects with StorageErrors. */
export interface SnapshotPlace {
  /** Its name, for messages. */
  readonly name: string;

  /** undefined when there never was a snapshot. */
  get(): Promise<{ readonly bytes: Buffer; readonly version: number } | undefined>;

  /** Writes it if its version still is this one, or if it is not there for `undefined`; whether it did. */
  putIf(bytes: Buffer, version: number | undefined): Promise<boolean>;
}

/**
 * Snapshots are written beside the newest one, and become the newest by one compare-and-set. The one that was
 * replaced stays until the next save begins, so that whoever is reading it comes to its end.
 */
export class Snapshots {
  readonly #place: SnapshotPlace;
  readonly #groups: Groups;
  readonly #pieceBytes: number;

  constructor(place: SnapshotPlace, store: PieceStore, pieceBytes: number) {
    this.#place = place;
    this.#groups = new Groups(store);
    this.#pieceBytes = pieceBytes;
  }

  async newest(): Promise<SnapshotPointer | undefined> {
    return (await this.#find())?.pointer;
  }

  async load(): Promise<Snapshot | undefined> {
    const pointer = await this.newest();
    return pointer && { sequence: pointer.sequence, chunks: this.#chunks(pointer) };
  }

  async save(snapshot: Snapshot): Promise<void> {
    const current = await this.newest();
    if (current) {
      if (current.sequence > snapshot.sequence) return;
      await this.#sweep(current);
    }
    const group = groupName(snapshot.sequence, randomUUID());
    try {
      const pointer = await this.#upload(group, snapshot);
      if (!(await this.#publish(pointer))) await this.#groups.discard(group);
    } catch (error) {
      // others sweep away what is older than the newest, also while it is being written
      if (!(await this.#isSuperseded(snapshot.sequence))) throw error;
      await this.#groups.discard(group);
    }
  }

  async #find(): Promise<{ pointer: SnapshotPointer; version: number } | undefined> {
    const found = await this.#place.get();
    return found && { pointer: parseSnapshotPointer(found.bytes, this.#place.name), version: found.version };
  }

  async #upload(group: string, snapshot: Snapshot): Promise<SnapshotPointer> {
    let bytes = 0n;
    let pieces = 0;
    let checksum = 0;
    async function* counted(source: AsyncIterable<Buffer>) {
      for await (const chunk of source) {
        bytes += BigInt(chunk.length);
        pieces++;
        checksum = crc32(chunk, checksum);
        yield chunk;
      }
    }
    try {
      await this.#groups.write(group, counted(repack(snapshot.chunks, this.#pieceBytes)));
    } catch (error) {
      await this.#groups.discard(group);
      throw error;
    }
    return { sequence: snapshot.sequence, group, bytes, pieces, checksum };
  }

  /** False when a newer one is there. An answer that is lost leaves the chunks, since they may be in use. */
  async #publish(pointer: SnapshotPointer): Promise<boolean> {
    const bytes = encodeSnapshotPointer(pointer);
    for (;;) {
      const current = await this.#find();
      if (current && current.pointer.sequence > pointer.sequence) return false;
      if (await this.#place.putIf(bytes, current?.version)) return true;
    }
  }

  /** False also when that cannot be found out. */
  async #isSuperseded(sequence: bigint): Promise<boolean> {
    const current = await this.newest().catch(() => undefined);
    return current !== undefined && current.sequence > sequence;
  }

  /** A group older than the newest can't be published any more, whoever writes it: nobody's work is lost. */
  async #sweep(newest: SnapshotPointer): Promise<void> {
    for (const { name, sequence } of await this.#groups.list())
      if (sequence < newest.sequence) await this.#groups.remove(name);
  }

  async *#chunks(pointer: SnapshotPointer): AsyncGenerator<Buffer> {
    let checksum = 0;
    for await (const chunk of this.#groups.read(pointer.group, pointer.pieces)) {
      if (chunk === undefined) throw await this.#whyMissing(pointer);
      checksum = crc32(chunk, checksum);
      yield chunk;
    }
    if (checksum !== pointer.checksum) throw corrupt(`${pointer.group}: the snapshot's checksum is wrong`);
  }

  async #whyMissing(pointer: SnapshotPointer): Promise<StorageError> {
    if ((await this.newest())?.group === pointer.group)
      return corrupt(`${pointer.group}: a chunk of the snapshot is missing`);
    const what = "the snapshot was replaced twice while it was read: load it again";
    return new StorageError("unavailable", what);
  }
}
