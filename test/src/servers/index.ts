import type { ServerName } from "./available.js";
import { startConsul } from "./consul.js";
import { startEtcd } from "./etcd.js";
import { startMariadb } from "./mariadb.js";
import { startPostgres } from "./postgres.js";
import type { ServerProcess } from "./process.js";
import { startRedis } from "./redis.js";
import { startTidb } from "./tidb.js";
import { startZooKeeper } from "./zookeeper.js";

/** Every server by its name, for who does not care which one it is. */
export const startByName: Record<ServerName, () => Promise<ServerProcess & { readonly url: string }>> = {
  postgres: startPostgres,
  mariadb: startMariadb,
  tidb: startTidb,
  consul: startConsul,
  zookeeper: startZooKeeper,
  etcd: startEtcd,
  redis: startRedis,
};

export * from "./available.js";
export { built, builtFrom, moduleFolder } from "./build.js";
export type { Cluster } from "./cluster.js";
export { type ConsulCluster, type ConsulServer, startConsul, startConsulCluster } from "./consul.js";
export { type EtcdServer, startEtcd } from "./etcd.js";
export { FaultProxy } from "./fault-proxy.js";
export { temporaryFolder } from "./folders.js";
export { startMariadb } from "./mariadb.js";
export { freePort, host } from "./ports.js";
export { type PostgresServer, startPostgres } from "./postgres.js";
export { ServerProcess } from "./process.js";
export { processTree } from "./process-tree.js";
export { run } from "./programs.js";
export { startRedis } from "./redis.js";
export { SmallDisk } from "./small-disk.js";
export type { SqlServer } from "./sql.js";
export { startTidb } from "./tidb.js";
export { messageOf, waitUntil } from "./wait.js";
export {
  startZooKeeper,
  startZooKeeperEnsemble,
  type ZooKeeperEnsemble,
  type ZooKeeperServer,
} from "./zookeeper.js";
