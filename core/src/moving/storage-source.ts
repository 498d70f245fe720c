import { hashKeySpace } from "../mvcc/hash.js";
import { SnapshotContent } from "../snapshot/content.js";
import { RESTORE_ENTRY } from "../snapshot/index.js";
import { isStorageError, type QueryStorage, REGISTRY } from "../storage/index.js";
import { MovingError } from "./moving-error.js";
import type { Progress } from "./progress.js";
import { SnapshotWriter } from "./snapshot-writer.js";
import type { Source } from "./source.js";

/** A plugin's storage. Adapters may be running on it, if the plugin lets several programs in. */
export class StorageSource implements Source {
  readonly path = undefined;

  private constructor(
    readonly label: string,
    private readonly storage: QueryStorage,
  ) {}

  static async open(label: string, storage: QueryStorage): Promise<StorageSource> {
    const {
      head,
      registry: { entries },
    } = await storage.since(REGISTRY);
    const problem =
      head.sequence === 0n
        ? "nothing was ever written there"
        : entries.some(({ key, value }) => key === RESTORE_ENTRY && value)
          ? "a restore or a copy into it has not ended"
          : undefined;
    if (problem === undefined) return new StorageSource(label, storage);
    await storage.close();
    throw new MovingError(`${label} can't be the source: ${problem}.`);
  }

  async save(path: string, _folder: string, progress: Progress): Promise<void> {
    const content = await SnapshotContent.of(this.storage);
    const writer = await SnapshotWriter.create(path);
    try {
      progress.begin("reading the source", "versions");
      for await (const block of content.blocks({ onChanges: (changes) => progress.add(changes) })) {
        await writer.write(block);
      }
      progress.end();
      await writer.seal();
    } catch (error) {
      await writer.abandon();
      throw error;
    }
  }

  async hash(revision: bigint, compacted: bigint): Promise<number | undefined> {
    try {
      const { hash, compactRevision } = await hashKeySpace(this.storage, revision);
      return compactRevision === compacted ? hash : undefined;
    } catch (error) {
      if (isStorageError(error, "compacted")) return undefined;
      throw error;
    }
  }

  close(): Promise<void> {
    return this.storage.close();
  }
}
