import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { LogStorage, PluginContext, QueryStorage, StoragePlugin } from "@etcd-adapter/core/storage";
import { LogBackedStorage } from "@etcd-adapter/core/storage/log";
import { pino } from "pino";

/** Where one fresh, empty backend is: a `--storage` URL, or options as in a configuration file. */
export type BackendPlace = ({ readonly url: string } | { readonly options: unknown }) & {
  /** Called when the test has ended and all storages on it are closed. */
  readonly remove?: () => Promise<void>;
};

/** Small, so that log storages write snapshots and lose segments many times in the tests. */
const SNAPSHOTS = { snapshotSegments: 40, snapshotBytes: 8 * 1024 * 1024 };

/** A backend for one test, and the storages on it. */
export class TestBackend<Options = unknown> {
  readonly #plugin: StoragePlugin<Options>;
  readonly #place: BackendPlace;
  readonly #context: PluginContext;
  #encoded = false;
  readonly #storages: { close(): Promise<void> }[] = [];

  private constructor(plugin: StoragePlugin<Options>, place: BackendPlace, dataDir: string) {
    this.#plugin = plugin;
    this.#place = place;
    this.#context = { logger: pino({ level: "silent" }), dataDir };
  }

  static async create<Options>(
    plugin: StoragePlugin<Options>,
    place: () => Promise<BackendPlace>,
  ): Promise<TestBackend<Options>> {
    const dataDir = await mkdtemp(join(tmpdir(), "etcd-adapter-kit-"));
    return new TestBackend(plugin, await place(), dataDir);
  }

  /** A storage for another adapter, or for the next life of one; not opened. */
  create(): QueryStorage {
    const options = this.#options();
    const storage =
      this.#plugin.kind === "query"
        ? this.#plugin.create(options, this.#context)
        : new LogBackedStorage(this.#observe(this.#plugin.create(options, this.#context)), SNAPSHOTS);
    this.#storages.push(storage);
    return storage;
  }

  async open(): Promise<QueryStorage> {
    const storage = this.create();
    await storage.open();
    return storage;
  }

  /** The bare log of a log plugin, opened. */
  async openLog(): Promise<LogStorage> {
    if (this.#plugin.kind !== "log") throw new Error("Not a log plugin");
    const log = this.#observe(this.#plugin.create(this.#options(), this.#context));
    this.#storages.push(log);
    await log.open();
    return log;
  }

  /**
   * Whether a new life finds what the last one committed. A log storage that did not ask for the bytes of what
   * it appended cannot; every other storage must.
   */
  get keepsData(): boolean {
    return this.#plugin.kind === "query" || this.#encoded;
  }

  async dispose(): Promise<void> {
    for (const storage of this.#storages.reverse()) await storage.close();
    await this.#place.remove?.();
    await rm(this.#context.dataDir, { recursive: true, force: true });
  }

  /** Notes whether `log` wants the bytes of what is appended; changes nothing else. */
  #observe(log: LogStorage): LogStorage {
    const append = log.append.bind(log);
    log.append = (sequence, encode) =>
      append(sequence, () => {
        this.#encoded = true;
        return encode();
      });
    return log;
  }

  #options(): Options {
    const given = "url" in this.#place ? this.#plugin.fromUrl(this.#place.url) : this.#place.options;
    return this.#plugin.options.parse(given);
  }
}
