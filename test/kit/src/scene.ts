import { type TestContext, test } from "node:test";
import type { Commit, QueryStorage, StoragePlugin } from "@etcd-adapter/core/storage";
import { type BackendPlace, TestBackend } from "./backend.js";
import { type Bytes, buildCommit, type Draft, type Operation } from "./draft.js";
import { Model } from "./model.js";

/** What a plugin's author gives; nothing in it says which tests apply. */
export interface Subject<Options> {
  readonly plugin: StoragePlugin<Options>;
  /** Each call another backend, fresh and empty. */
  readonly backend: () => Promise<BackendPlace>;
}

/** Slow, shared machines included. */
const TEST_TIMEOUT_MS = 180_000;

/** One test's storage on its own backend, and the model of what it must hold. */
export class Scene {
  readonly model = new Model();

  constructor(
    readonly t: TestContext,
    readonly backend: TestBackend,
    readonly storage: QueryStorage,
  ) {}

  /** Commits upon the model's head, through `storage` if not the first one, and tells the model. */
  async commit(draft: Draft, storage: QueryStorage = this.storage): Promise<Commit> {
    const commit = buildCommit(this.model, draft);
    await storage.commit(commit);
    this.model.apply(commit);
    return commit;
  }

  /** One commit; each argument is a revision. */
  write(...revisions: Operation[][]): Promise<Commit> {
    return this.commit({ revisions });
  }

  register(registry: Record<string, Bytes | null>): Promise<Commit> {
    return this.commit({ registry });
  }

  compact(compacted: bigint): Promise<Commit> {
    return this.commit({ compacted });
  }

  /** Prunes to the end. */
  async prune(limit = 1000, storage: QueryStorage = this.storage): Promise<void> {
    for (let calls = 0; await storage.prune(limit); calls++) {
      if (calls > 100_000) throw new Error("prune says that there is more, and never ends");
    }
  }

  /** Skips what needs a second adapter on the backend, where there can be none. */
  skipsUnlessShared(): boolean {
    if (!this.storage.shared) this.t.skip("the storage is not shared");
    return !this.storage.shared;
  }
}

export type Define = (name: string, body: (scene: Scene) => Promise<void>) => void;

/** Defines tests that each run on a backend of their own. */
export function defineWith<Options>({ plugin, backend }: Subject<Options>): Define {
  return (name, body) => {
    test(name, { timeout: TEST_TIMEOUT_MS }, async (t) => {
      const own = await TestBackend.create(plugin, backend);
      try {
        await body(new Scene(t, own as TestBackend, await own.open()));
      } finally {
        await own.dispose();
      }
    });
  };
}
