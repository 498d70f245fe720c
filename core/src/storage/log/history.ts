import type { Version } from "./version.js";

const CHUNK_VERSIONS = 512;

/** A stretch of the history. A revision lies in one chunk as a whole. */
interface Chunk {
  versions: Version[];
  /** Of `versions`, how many are pruned already. */
  pruned: number;
  /** No version in here or below is newer. */
  through: number;
}

/**
 * All versions in the order of their revisions, until they are pruned. In chunks, because one array of
 * millions could neither lose its pruned entries nor grow without stopping the process for long.
 */
export class History {
  readonly #chunks: Chunk[] = [];

  append(version: Version): void {
    let chunk = this.#chunks.at(-1);
    if (
      chunk === undefined ||
      (chunk.versions.length >= CHUNK_VERSIONS && chunk.through < version.revision)
    ) {
      chunk = { versions: [], pruned: 0, through: 0 };
      this.#chunks.push(chunk);
    }
    chunk.versions.push(version);
    chunk.through = version.revision;
  }

  /** Visits the versions in (after, through] until `visit` answers false. `visit` must not prune. */
  scan(after: number, through: number, visit: (version: Version) => boolean): void {
    for (let at = this.#chunkOf(after + 1); at < this.#chunks.length; at++) {
      const { versions } = this.#chunks[at]!;
      for (let index = firstAbove(versions, after); index < versions.length; index++) {
        const version = versions[index]!;
        if (version.revision > through) return;
        if (!version.pruned && !visit(version)) return;
      }
    }
  }

  /** Whole revisions from `from` up to `through`, `limit` versions or a little more. */
  slice(from: number, through: number, limit: number): Version[] {
    const found: Version[] = [];
    this.scan(from - 1, through, (version) => {
      if (found.length >= limit && found.at(-1)!.revision !== version.revision) return false;
      found.push(version);
      return true;
    });
    return found;
  }

  prune(version: Version): void {
    version.markPruned();
    const at = this.#chunkOf(version.revision);
    const chunk = this.#chunks[at];
    if (chunk === undefined) return;
    chunk.pruned++;
    if (chunk.pruned * 2 < chunk.versions.length) return;
    dropPruned(chunk);
    if (chunk.versions.length === 0) this.#chunks.splice(at, 1);
  }

  /** All versions as they are now: later appends and prunings do not change the arrays. */
  capture(): (readonly Version[])[] {
    for (const chunk of this.#chunks) if (chunk.pruned > 0) dropPruned(chunk);
    const arrays = this.#chunks.map((chunk) => chunk.versions);
    const open = arrays.pop();
    if (open !== undefined) arrays.push(open.slice());
    return arrays;
  }

  /** Index of the first chunk that may hold `revision` or a later one. */
  #chunkOf(revision: number): number {
    let low = 0;
    let high = this.#chunks.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#chunks[middle]!.through < revision) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function firstAbove(versions: readonly Version[], revision: number): number {
  let low = 0;
  let high = versions.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (versions[middle]!.revision <= revision) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Replaces the array: a capture may still hold the old one. */
function dropPruned(chunk: Chunk): void {
  chunk.versions = chunk.versions.filter((version) => !version.pruned);
  chunk.pruned = 0;
}
