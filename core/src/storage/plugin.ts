import type { Logger } from "pino";
import type { z } from "zod";
import type { LogStorage } from "./log-storage.js";
import type { QueryStorage } from "./query-storage.js";

/** The seam's version. A plugin states the one that it was written for; another major number is refused. */
export const SEAM_VERSION = 2;

/** What a plugin is given beside its own options. */
export interface PluginContext {
  readonly logger: Logger;
  /** The adapter's data folder (`--data-dir`), for plugins that keep files. Not created yet. */
  readonly dataDir: string;
}

interface PluginBase<Options> {
  readonly seam: typeof SEAM_VERSION;
  /** The name in `storage.plugin` and in messages. */
  readonly name: string;
  readonly description: string;
  /** Schemes of `--storage` URLs that it serves, without the colon. */
  readonly schemes: readonly string[];
  /** Checks and completes the options; its messages reach the user. */
  readonly options: z.ZodType<Options>;
  /** The options that a `--storage` URL stands for, before the check. Throws an Error with a sentence for a bad URL. */
  fromUrl(url: string): unknown;
}

/** A plugin whose backend answers queries itself. */
export interface QueryPlugin<Options> extends PluginBase<Options> {
  readonly kind: "query";
  create(options: Options, context: PluginContext): QueryStorage;
}

/** A plugin whose backend keeps a log; the core keeps the state in memory. */
export interface LogPlugin<Options> extends PluginBase<Options> {
  readonly kind: "log";
  create(options: Options, context: PluginContext): LogStorage;
}

export type StoragePlugin<Options = unknown> = QueryPlugin<Options> | LogPlugin<Options>;

/** Gives a plugin definition its type; a plugin package's default export is what this returns. */
export function definePlugin<Options>(plugin: StoragePlugin<Options>): StoragePlugin<Options> {
  return plugin;
}
