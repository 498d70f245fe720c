import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Cluster, clusterOf, startAll } from "./cluster.js";
import { temporaryFolder } from "./folders.js";
import { freshName } from "./names.js";
import { freePorts, host } from "./ports.js";
import { ServerProcess } from "./process.js";
import { notInstalled, requireProgram } from "./programs.js";
import { createZnode, fourLetterWord, readZnode, setPermissions } from "./zookeeper-client.js";

export interface ZooKeeperOptions {
  /** ZooKeeper's unit of time; a session lasts two of them at least. */
  readonly tickTimeMs?: number;
  /** More of zoo.cfg. */
  readonly settings?: Readonly<Record<string, string>>;
}

export type ZooKeeperServer = ServerProcess & {
  readonly host: string;
  readonly port: number;
  /** zookeeper://HOST:PORT, to which a chroot is added. */
  readonly url: string;
  /** Creates an empty znode that no one else uses, and gives the URL that has it as chroot. */
  freshChroot(): Promise<string>;
  createZnode(path: string, data: Buffer): Promise<void>;
  readZnode(path: string): Promise<Buffer>;
  /** What anyone may do: the sum of 1 read, 2 write, 4 create, 8 delete, 16 change this. */
  setPermissions(path: string, permissions: number): Promise<void>;
};

export type ZooKeeperEnsemble = Cluster<ZooKeeperServer> & {
  /** The URL with all nodes. */
  readonly url: string;
  /** As a node's, but the URL has all nodes. */
  freshChroot(): Promise<string>;
};

interface ZooKeeperNode {
  readonly id: number;
  readonly port: number;
  readonly ensemble: readonly string[];
  readonly options: ZooKeeperOptions;
}

const javaFolder = "/usr/share/java";

export async function startZooKeeper(options: ZooKeeperOptions = {}): Promise<ZooKeeperServer> {
  const [port] = (await freePorts(1)) as [number];
  return startNode({ id: 1, port, ensemble: [], options });
}

export async function startZooKeeperEnsemble(
  size = 3,
  options: ZooKeeperOptions = {},
): Promise<ZooKeeperEnsemble> {
  const ports = await freePorts(size * 3);
  const clientPorts = ports.slice(0, size);
  const ensemble = clientPorts.map(
    (_, i) => `server.${i + 1}=${host}:${ports[size + i]}:${ports[2 * size + i]}`,
  );
  const starts = clientPorts.map((port, i) => startNode({ id: i + 1, port, ensemble, options }));
  const cluster = clusterOf(await startAll(starts), async (node) =>
    (await fourLetterWord("srvr", node)).includes("Mode: leader"),
  );
  const url = `zookeeper://${clientPorts.map((port) => `${host}:${port}`).join(",")}`;
  return {
    ...cluster,
    url,
    freshChroot: async () => {
      const path = `/${freshName()}`;
      await (await cluster.leader()).createZnode(path, Buffer.alloc(0));
      return url + path;
    },
  };
}

async function startNode({ id, port, ensemble, options }: ZooKeeperNode): Promise<ZooKeeperServer> {
  const java = requireProgram("java", "default-jre-headless");
  const jar = join(javaFolder, "zookeeper.jar");
  if (!existsSync(jar)) throw notInstalled("ZooKeeper", "zookeeper");

  const folder = temporaryFolder("zookeeper");
  const dataDir = join(folder, "data");
  mkdirSync(dataDir);
  writeFileSync(join(dataDir, "myid"), `${id}\n`);
  const settings = {
    dataDir,
    clientPort: String(port),
    clientPortAddress: host,
    tickTime: String(options.tickTimeMs ?? 500),
    maxSessionTimeout: "60000",
    initLimit: "20",
    syncLimit: "10",
    // 60 connections an address would be too few for tests that share one address
    maxClientCnxns: "0",
    "admin.enableServer": "false",
    "4lw.commands.whitelist": "*",
    ...options.settings,
  };
  const config = join(folder, "zoo.cfg");
  const lines = [...Object.entries(settings).map(([key, value]) => `${key}=${value}`), ...ensemble];
  writeFileSync(config, `${lines.join("\n")}\n`);

  const address = { host, port };
  const server = await ServerProcess.start({
    name: "ZooKeeper",
    program: java,
    args: [
      ...["-Xmx512m", "-Dzookeeper.jmx.log4j.disable=true"],
      // Debian's jar names its dependencies itself, but no logger that prints
      ...["-cp", [jar, join(javaFolder, "slf4j-simple.jar")].join(":")],
      ...["org.apache.zookeeper.server.quorum.QuorumPeerMain", config],
    ],
    folder,
    probe: async () => {
      const answer = await fourLetterWord("srvr", address);
      if (!answer.includes("Mode: ")) throw new Error(answer.trim() || "no answer");
      await readZnode("/zookeeper", address);
    },
  });
  const url = `zookeeper://${host}:${port}`;
  return Object.assign(server, {
    host,
    port,
    url,
    createZnode: (path: string, data: Buffer) => createZnode(path, data, address),
    readZnode: (path: string) => readZnode(path, address),
    setPermissions: (path: string, permissions: number) => setPermissions(path, permissions, address),
    freshChroot: async () => {
      const path = `/${freshName()}`;
      await createZnode(path, Buffer.alloc(0), address);
      return url + path;
    },
  });
}
