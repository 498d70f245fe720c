import type { Logger } from "pino";
import type { QueryStorage } from "../storage/index.js";
import type { StorageChoice } from "../storage/loader.js";
import { createStorage } from "../storage/open.js";

export interface StorageContext {
  readonly logger: Logger;
  /** For storages that keep files and are given no path. */
  readonly dataDir: string;
}

/** A plugin's storage, opened; what is wrong with its URL or its backend is a sentence of the plugin's. */
export async function openStorage(choice: StorageChoice, context: StorageContext): Promise<QueryStorage> {
  const storage = await createStorage(choice, context);
  try {
    await storage.open();
    return storage;
  } catch (error) {
    await storage.close().catch(() => {});
    throw error;
  }
}
