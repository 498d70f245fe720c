import { Contract } from "./contract.js";
import type { StorageChoice } from "./loader.js";
import { choosePlugin } from "./loader.js";
import { LogBackedStorage } from "./log/log-backed-storage.js";
import type { PluginContext } from "./plugin.js";
import type { QueryStorage } from "./query-storage.js";

/** The configured storage, whichever door its plugin came through; not opened yet. */
export async function createStorage(choice: StorageChoice, context: PluginContext): Promise<QueryStorage> {
  const { plugin, options, label } = await choosePlugin(choice);
  const contract = new Contract(label, context.logger);
  if (plugin.kind === "query") return contract.query(() => plugin.create(options, context));
  return new LogBackedStorage(
    contract.log(() => plugin.create(options, context)),
    {
      onSnapshotError: (error) => context.logger.warn({ err: error }, "a snapshot could not be written"),
    },
  );
}
