import { groupSequence, pieceName } from "./names.js";

/** Pieces on their way at once: enough to fill the round trip, little enough to leave memory and backend alone. */
const WINDOW = 4;

/** Where pieces are kept, in groups. A plugin implements it; every method rejects with a StorageError. */
export interface PieceStore {
  /** Called before the first piece of a group, for backends in which a folder must be made. */
  begin?(group: string): Promise<void>;

  /** Durable when it resolves. Rejects with `conflict` if the group is known to be removed meanwhile. */
  put(group: string, piece: string, bytes: Buffer): Promise<void>;

  /** undefined if it is gone: as the majority knows it, no replica that lags may say so. */
  get(group: string, piece: string): Promise<Buffer | undefined>;

  /** Also while others remove the same group, and when it is gone. */
  remove(group: string): Promise<void>;

  /** Names of all groups. */
  list(): Promise<string[]>;
}

/**
 * Groups of pieces: the parts of a segment, or the chunks of a snapshot. A group has no meaning until an entry
 * names it, so its pieces may come in any order and be removed one by one.
 */
export class Groups {
  readonly #store: PieceStore;

  constructor(store: PieceStore) {
    this.#store = store;
  }

  /** Resolves when every piece is stored; after a failure no write is pending, and some may be stored. */
  async write(group: string, pieces: Iterable<Buffer> | AsyncIterable<Buffer>): Promise<void> {
    const pending = new Set<Promise<void>>();
    let index = 0;
    try {
      await this.#store.begin?.(group);
      for await (const bytes of pieces) {
        if (pending.size >= WINDOW) await Promise.race(pending);
        const put = this.#store.put(group, pieceName(index++), bytes).then(() => void pending.delete(put));
        put.catch(() => {});
        pending.add(put);
      }
      await Promise.all(pending);
    } catch (error) {
      await Promise.allSettled(pending);
      throw error;
    }
  }

  /** The pieces in order; undefined in place of one that is gone. */
  async *read(group: string, count: number): AsyncGenerator<Buffer | undefined> {
    const pending: Promise<Buffer | undefined>[] = [];
    for (let index = 0; index < count || pending.length > 0; ) {
      while (index < count && pending.length < WINDOW) {
        const get = this.#store.get(group, pieceName(index++));
        get.catch(() => {});
        pending.push(get);
      }
      yield await pending.shift()!;
    }
  }

  remove(group: string): Promise<void> {
    return this.#store.remove(group);
  }

  /** Removes what nobody needs, and leaves it to a later sweep if that fails. */
  async discard(group: string): Promise<void> {
    await this.remove(group).catch(() => {});
  }

  async list(): Promise<{ name: string; sequence: bigint }[]> {
    return (await this.#store.list()).flatMap((name) => {
      const sequence = groupSequence(name);
      return sequence === undefined ? [] : [{ name, sequence }];
    });
  }
}
