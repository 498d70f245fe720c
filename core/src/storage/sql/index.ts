export { type LastChange, lastChanges } from "./commit.js";
export type {
  LogPage,
  LogPosition,
  LogQuery,
  LogRow,
  PruneState,
  PruneStep,
  RowsQuery,
  SinceRows,
  SqlDriver,
} from "./driver.js";
export { KeyReads, pageOfKey } from "./key-reads.js";
export { isLongKey, KEY_PREFIX_BYTES, type SplitKey, singleKey, splitKey } from "./keys.js";
export { type Connect, ConnectionDropped, Lane, type LaneClient, Lanes, NotConnected } from "./lane.js";
export { type Migration, pendingMigrations } from "./migrations.js";
export { asBuffer, type PackedRows, unpackRows } from "./packed-rows.js";
export { KEPT_SEQUENCES } from "./prune.js";
export { readPassword, readTls, type TlsFiles } from "./secrets.js";
export {
  type ServerKind,
  type ServerSettings,
  serverOptions,
  serverOptionsFromUrl,
} from "./server-options.js";
export { SqlStorage } from "./sql-storage.js";
export { type MetaName, type Tables, tableNames, tablePrefix } from "./tables.js";
