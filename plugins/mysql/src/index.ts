import { definePlugin, SEAM_VERSION } from "@etcd-adapter/core/storage";
import { SqlStorage } from "@etcd-adapter/core/storage/sql";
import { fromUrl, type MysqlOptions, options } from "./options.js";
import { MysqlDriver } from "./storage.js";

export default definePlugin<MysqlOptions>({
  seam: SEAM_VERSION,
  name: "mysql",
  description: "a MySQL, MariaDB or TiDB database, for many adapters at once",
  schemes: ["mysql", "mariadb", "tidb"],
  kind: "query",
  options,
  fromUrl,
  create: (settings, { logger }) => new SqlStorage(new MysqlDriver(settings, logger)),
});

export type { MysqlOptions };
