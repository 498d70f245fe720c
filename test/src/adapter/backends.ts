import { after, before } from "node:test";
import {
  type Backend,
  requiredBackends,
  type ServerProcess,
  type SqlServer,
  startConsul,
  startConsulCluster,
  startMariadb,
  startPostgres,
  startTidb,
  startZooKeeper,
  startZooKeeperEnsemble,
} from "../servers/index.js";

/** A storage to run the adapter on; its server, where it needs one, is started once for a test file. */
export interface StorageBackend {
  readonly name: string;
  /** Whether several adapters may use one storage, and whether it outlives them. */
  readonly shared: boolean;
  readonly durable: boolean;
  /** Whether its servers promise to bear a kill -9; TiDB's built-in store does not. */
  readonly crashSafe: boolean;
  /** That keep it; none for an embedded one. */
  servers(): readonly ServerProcess[];
  /** The URL of an empty storage. */
  fresh(): Promise<string>;
}

interface Started {
  readonly servers: readonly ServerProcess[];
  fresh(): Promise<string>;
}

const STARTERS: Partial<Record<Backend, () => Promise<Started>>> = {
  postgres: async () => sql(await startPostgres()),
  mariadb: async () => sql(await startMariadb()),
  tidb: async () => sql(await startTidb()),
  consul: async () => {
    const server = await startConsul();
    return { servers: [server], fresh: () => server.freshPrefix() };
  },
  zookeeper: async () => {
    const server = await startZooKeeper();
    return { servers: [server], fresh: () => server.freshChroot() };
  },
};

/** The coordinators as they are run in production. */
const CLUSTER_STARTERS: Partial<Record<Backend, () => Promise<Started>>> = {
  consul: async () => {
    const { nodes, freshPrefix } = await startConsulCluster(3);
    return { servers: nodes, fresh: freshPrefix };
  },
  zookeeper: async () => {
    const { nodes, freshChroot } = await startZooKeeperEnsemble(3);
    return { servers: nodes, fresh: freshChroot };
  },
};

function sql(server: SqlServer): Started {
  return { servers: [server], fresh: () => server.freshDatabase() };
}

/** A backend whose server is started for the suite, or the file, in which `start` is called. */
export interface StartableBackend {
  readonly name: string;
  start(): StorageBackend;
}

/** The backends to test on in this run. Call it at a test file's top level. */
export function storageBackends(): StorageBackend[] {
  return startableBackends().map(({ start }) => start());
}

export function startableBackends(): StartableBackend[] {
  return requiredBackends().flatMap((name): StartableBackend[] => {
    const embedded = {
      name,
      shared: false,
      crashSafe: true,
      servers: () => [],
      fresh: async () => `${name}:`,
    };
    if (name === "memory") return [{ name, start: () => ({ ...embedded, durable: false }) }];
    if (name === "sqlite") return [{ name, start: () => ({ ...embedded, durable: true }) }];
    const start = STARTERS[name];
    return start ? [{ name, start: () => withServer(name, start) }] : [];
  });
}

/** Clusters of three. */
export function clusterBackends(): StartableBackend[] {
  return requiredBackends().flatMap((backend): StartableBackend[] => {
    const start = CLUSTER_STARTERS[backend];
    const name = `three nodes of ${backend}`;
    return start ? [{ name, start: () => withServer(name, start) }] : [];
  });
}

function withServer(name: string, start: () => Promise<Started>): StorageBackend {
  let started: Started | undefined;
  before(async () => {
    started = await start();
  });
  after(async () => {
    await Promise.all(started?.servers.map((server) => server[Symbol.asyncDispose]()) ?? []);
  });
  return {
    ...{ name, shared: true, durable: true, crashSafe: name !== "tidb" },
    servers: () => started!.servers,
    fresh: () => started!.fresh(),
  };
}
