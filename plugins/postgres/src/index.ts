import { definePlugin, SEAM_VERSION } from "@etcd-adapter/core/storage";
import { SqlStorage } from "@etcd-adapter/core/storage/sql";
import { fromUrl, options, type PostgresOptions } from "./options.js";
import { PostgresDriver } from "./storage.js";

export default definePlugin<PostgresOptions>({
  seam: SEAM_VERSION,
  name: "postgres",
  description: "a PostgreSQL database, for many adapters at once",
  schemes: ["postgres", "postgresql"],
  kind: "query",
  options,
  fromUrl,
  create: (settings, { logger }) => new SqlStorage(new PostgresDriver(settings, logger)),
});

export type { PostgresOptions };
