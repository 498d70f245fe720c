import type { PieceStore } from "../segments/groups.js";
import type { SnapshotPlace } from "../segments/snapshots.js";

/** Keeps pieces in memory; `broken` fails every write. */
export class MemoryPieces implements PieceStore {
  readonly groups = new Map<string, Map<string, Buffer>>();
  broken: Error | undefined;

  async begin(group: string): Promise<void> {
    this.groups.set(group, new Map());
  }

  async put(group: string, piece: string, bytes: Buffer): Promise<void> {
    if (this.broken) throw this.broken;
    this.groups.get(group)!.set(piece, bytes);
  }

  async get(group: string, piece: string): Promise<Buffer | undefined> {
    return this.groups.get(group)?.get(piece);
  }

  async remove(group: string): Promise<void> {
    this.groups.delete(group);
  }

  async list(): Promise<string[]> {
    return [...this.groups.keys()];
  }
}

export class MemoryPlace implements SnapshotPlace {
  readonly name = "snapshot";
  #found: { bytes: Buffer; version: number } | undefined;

  async get() {
    return this.#found;
  }

  async putIf(bytes: Buffer, version: number | undefined): Promise<boolean> {
    if (version !== this.#found?.version) return false;
    this.#found = { bytes, version: (version ?? 0) + 1 };
    return true;
  }
}
