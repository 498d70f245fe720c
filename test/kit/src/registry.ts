import assert from "node:assert/strict";
import { type QueryStorage, REGISTRY } from "@etcd-adapter/core/storage";
import { put } from "./draft.js";
import { expectRegistry } from "./expect.js";
import { hex } from "./model.js";
import type { Define } from "./scene.js";

export function registryTests(define: Define): void {
  define("registry entries are set, replaced and removed", async (scene) => {
    await scene.register({ a: "1", b: "2", c: "" });
    await expectRegistry(scene.storage, scene.model);
    await scene.register({ a: "3", b: null, "not there": null });
    await expectRegistry(scene.storage, scene.model);
    await scene.commit({ revisions: [[put("key", "value")]], registry: { b: "4", c: null } });
    await expectRegistry(scene.storage, scene.model);
  });

  define("registry keys are told apart by their very characters, values are bytes", async (scene) => {
    const keys = [
      "a",
      "A",
      "a ",
      "á",
      "ä",
      "a\u0301",
      "ß",
      "ss",
      "/",
      "a/b",
      "%",
      "_",
      "a'b",
      "日本",
      "😀",
      "k".repeat(250),
    ];
    await scene.register(Object.fromEntries(keys.map((key, n) => [key, `\x00\xff${n}`])));
    await expectRegistry(scene.storage, scene.model);
    await scene.register({ "a ": null, ss: null });
    await expectRegistry(scene.storage, scene.model);
  });

  define("the registry is read on from a sequence, removals included", async (scene) => {
    const reader = new RegistryReader(scene.storage);
    await scene.register({ a: "1", b: "1" });
    await reader.read();
    await scene.register({ b: null, c: "1" });
    await scene.write([put("key", "value")]);
    await scene.register({ a: "2" });
    assert.deepEqual(await reader.read(), scene.model.registry());
    const { head, registry } = await scene.storage.since({ ...REGISTRY, after: scene.model.head });
    assert.deepEqual(head, scene.model.head);
    assert.ok(registry.complete || registry.entries.length === 0, "nothing is new");
  });

  define("a reader of the registry that lags is right again, after pruning too", async (scene) => {
    const readers = Array.from({ length: 5 }, () => new RegistryReader(scene.storage));
    for (let n = 0; n < 60; n++) {
      await scene.register({
        [`k${n % 9}`]: n % 4 === 3 ? null : `${n}`,
        [`once${n}`]: `${n}`,
        [`once${n - 5}`]: null,
      });
      if (n % 20 === 19) await scene.prune();
      for (const [index, reader] of readers.entries()) {
        if (n % (index * 7 + 1) === 0) assert.deepEqual(await reader.read(), scene.model.registry());
      }
    }
    for (const reader of readers) assert.deepEqual(await reader.read(), scene.model.registry());
    await expectRegistry(scene.storage, scene.model);
  });

  define("a commit takes thousands of registry entries", async (scene) => {
    const entries = Array.from({ length: 3000 }, (_, n) => [`lease/${n}`, `${n}`.repeat(20)]);
    await scene.register(Object.fromEntries(entries));
    await expectRegistry(scene.storage, scene.model);
    await scene.register(Object.fromEntries(entries.slice(1000).map(([key]) => [key, null])));
    await expectRegistry(scene.storage, scene.model);
  });
}

/** Follows the registry as the core does. */
export class RegistryReader {
  readonly #storage: QueryStorage;
  readonly #entries = new Map<string, string>();
  #sequence = 0n;

  constructor(storage: QueryStorage) {
    this.#storage = storage;
  }

  async read(): Promise<[string, string][]> {
    const after = { sequence: this.#sequence, revision: 0n };
    const { head, registry } = await this.#storage.since({ ...REGISTRY, after });
    if (registry.complete) this.#entries.clear();
    for (const { key, value } of registry.entries) {
      if (value === null) this.#entries.delete(key);
      else this.#entries.set(key, hex(value));
    }
    this.#sequence = head.sequence;
    return [...this.#entries].sort();
  }
}
