import { join, resolve } from "node:path";
import { definePlugin, SEAM_VERSION } from "@etcd-adapter/core/storage";
import { SqlStorage, tableNames } from "@etcd-adapter/core/storage/sql";
import { fromUrl, options, type SqliteOptions } from "./options.js";
import { SqliteDriver } from "./storage.js";

export default definePlugin<SqliteOptions>({
  seam: SEAM_VERSION,
  name: "sqlite",
  description: "an SQLite file of one adapter (default)",
  schemes: ["sqlite"],
  kind: "query",
  options,
  fromUrl,
  create: (chosen, { logger, dataDir }) =>
    new SqlStorage(
      new SqliteDriver(
        {
          file: resolve(chosen.path ?? join(dataDir, "etcd-adapter.db")),
          tables: tableNames(chosen["table-prefix"]),
          busyTimeoutMs: chosen["busy-timeout-ms"],
          cacheSizeMib: chosen["cache-size-mib"],
        },
        logger,
      ),
    ),
});

export type { SqliteOptions };
