import {
  type ServerProcess,
  type SqlServer,
  startConsul,
  startMariadb,
  startPostgres,
  startTidb,
  startZooKeeper,
} from "@etcd-adapter/test/dist/servers/index.js";

/** What a storage keeps its data in, where that is a process of its own. */
export interface StorageServer {
  readonly process: ServerProcess;
  /** The URL of an empty place in it. */
  fresh(): Promise<string>;
  /** Of an SQL server: runs a statement in the database of that URL. */
  readonly sql?: (statement: string, databaseUrl: string) => Promise<string>;
}

export const storageServers: Readonly<Record<string, () => Promise<StorageServer>>> = {
  postgres: async () => sql(await startPostgres()),
  mariadb: async () => sql(await startMariadb()),
  tidb: async () => sql(await startTidb()),
  consul: async () => {
    const server = await startConsul();
    return { process: server, fresh: () => server.freshPrefix() };
  },
  zookeeper: async () => {
    const server = await startZooKeeper();
    return { process: server, fresh: () => server.freshChroot() };
  },
};

function sql(server: SqlServer): StorageServer {
  return { process: server, fresh: () => server.freshDatabase(), sql: server.sql };
}
