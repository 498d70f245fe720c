import type { LogStorage, QueryStorage, StoragePlugin } from "@etcd-adapter/core/storage";
import { pino } from "pino";
import type { Cluster, ServerProcess, SqlServer } from "../servers/index.js";

export interface FaultSubject<Options> {
  readonly name: string;
  readonly plugin: StoragePlugin<Options>;
  readonly start: () => Promise<SqlServer>;
  /** Whether a commit outlives kill -9 whole; true unless told. If not, the server is stopped in order. */
  readonly crashSafe?: boolean;
}

/** The limit that the tests of log storages give to each request. */
export const REQUEST_TIMEOUT_MS = 1_000;

export interface FaultyCluster<S extends ServerProcess> {
  readonly cluster: Cluster<S>;
  /** Three URLs of one empty storage; as far as a URL says it, each begins at another server. */
  freshUrls(): Promise<string[]>;
}

export interface LogFaultSubject<Options, S extends ServerProcess> {
  readonly name: string;
  readonly plugin: StoragePlugin<Options>;
  /** Of every storage that the tests open, beside those of its URL: short times. */
  readonly options: Record<string, unknown>;
  /** The option with the largest size of one entry, in bytes. */
  readonly entrySizeOption: string;
  /** After which others have surely elected a leader in place of one that stands still. */
  readonly electionMs: number;
  start(): Promise<S>;
  freshUrl(server: S): Promise<string>;
  /** Names of what is left of large segments' parts. */
  partsLeft(server: S, url: string): Promise<string[]>;
  startCluster(): Promise<FaultyCluster<S>>;
}

export async function openLog<Options>(
  { plugin, options }: Pick<LogFaultSubject<Options, ServerProcess>, "plugin" | "options">,
  url: string,
): Promise<LogStorage> {
  if (plugin.kind !== "log") throw new Error("not the plugin of a log");
  const given = { "request-timeout-ms": REQUEST_TIMEOUT_MS, ...options, ...(plugin.fromUrl(url) as object) };
  const context = { logger: pino({ level: "silent" }), dataDir: "" };
  const storage = plugin.create(plugin.options.parse(given), context);
  await storage.open();
  return storage;
}

/** Not opened. `options` beside those of the URL. */
export function createStorage<Options>(
  plugin: StoragePlugin<Options>,
  url: string,
  options: Record<string, unknown> = {},
): QueryStorage {
  if (plugin.kind !== "query") throw new Error("not the plugin of a database");
  const given = { ...(plugin.fromUrl(url) as object), ...options };
  return plugin.create(plugin.options.parse(given), { logger: pino({ level: "silent" }), dataDir: "" });
}

export async function openStorage<Options>(
  plugin: StoragePlugin<Options>,
  url: string,
  options?: Record<string, unknown>,
): Promise<QueryStorage> {
  const storage = createStorage(plugin, url, options);
  await storage.open();
  return storage;
}
