import {
  type Backend,
  type Cluster,
  requiredBackends,
  type ServerProcess,
  startConsul,
  startConsulCluster,
  startMariadb,
  startPostgres,
  startTidb,
  startZooKeeper,
  startZooKeeperEnsemble,
} from "../servers/index.js";
import type { Target } from "./nemesis.js";

/** A backend whose servers the test may harm. */
export interface Victim {
  /** The URL of an empty storage. */
  readonly url: string;
  readonly servers: readonly ServerProcess[];
  /** The server to harm: the only one, or the one that leads. */
  worst(): Promise<ServerProcess>;
  /** Ends that server, to be restarted: by kill -9 where it promises to bear that. */
  crash(server: ServerProcess): Promise<void>;
  stop(): Promise<void>;
}

export interface VictimKind {
  readonly backend: Backend;
  readonly name: string;
  readonly adapters: number;
  /** What of it there is to harm. */
  readonly targets: readonly Target[];
  start(): Promise<Victim>;
}

const kill = (server: ServerProcess) => server.kill9();

const single = (server: ServerProcess, url: string, crash = kill): Victim => ({
  url,
  servers: [server],
  crash,
  worst: async () => server,
  stop: () => server[Symbol.asyncDispose](),
});

const group = (cluster: Cluster<ServerProcess>, url: string): Victim => ({
  url,
  servers: cluster.nodes,
  crash: kill,
  worst: () => cluster.leader(),
  stop: () => cluster[Symbol.asyncDispose](),
});

/** A storage inside of the one adapter. */
const embedded = (url: string): Victim => ({
  url,
  servers: [],
  crash: kill,
  worst: () => Promise.reject(new Error(`${url} has no server`)),
  stop: async () => {},
});

const KINDS: Partial<Record<Backend, Record<string, () => Promise<Victim>>>> = {
  memory: { memory: async () => embedded("memory:") },
  sqlite: { SQLite: async () => embedded("sqlite:") },
  postgres: {
    PostgreSQL: async () => {
      const server = await startPostgres();
      return single(server, await server.freshDatabase());
    },
  },
  mariadb: {
    MariaDB: async () => {
      const server = await startMariadb();
      return single(server, await server.freshDatabase());
    },
  },
  tidb: {
    TiDB: async () => {
      const server = await startTidb();
      // At a kill -9 its built-in store can lose a part of a transaction and keep the rest, without any adapter.
      return single(server, await server.freshDatabase(), () => server.stop());
    },
  },
  consul: {
    Consul: async () => {
      const server = await startConsul();
      return single(server, await server.freshPrefix());
    },
    "three Consuls": async () => {
      const cluster = await startConsulCluster(3);
      return group(cluster, await cluster.freshPrefix());
    },
  },
  zookeeper: {
    ZooKeeper: async () => {
      const server = await startZooKeeper();
      return single(server, await server.freshChroot());
    },
    "three ZooKeepers": async () => {
      const ensemble = await startZooKeeperEnsemble(3);
      return group(ensemble, await ensemble.freshChroot());
    },
  },
};

const ADAPTERS: Partial<Record<Backend, number>> = { memory: 1, sqlite: 1, consul: 3, zookeeper: 3 };

const SHARED: readonly Target[] = ["adapters", "network", "backend", "clocks", "disk"];
const TARGETS: Partial<Record<Backend, readonly Target[]>> = {
  // What it holds ends with its process.
  memory: ["pauses", "clocks"],
  sqlite: ["adapters", "clocks", "disk"],
  // Its built-in store promises nothing when the disk is full.
  tidb: SHARED.filter((target) => target !== "disk"),
};

/** What can be tested of these backends. */
export function victims(backends: readonly Backend[] = requiredBackends()): VictimKind[] {
  return backends.flatMap((backend) =>
    Object.entries(KINDS[backend] ?? {}).map(([name, start]) => ({
      backend,
      name,
      start,
      adapters: ADAPTERS[backend] ?? 4,
      targets: TARGETS[backend] ?? SHARED,
    })),
  );
}
