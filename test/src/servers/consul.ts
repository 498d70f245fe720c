import { randomUUID } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { built } from "./build.js";
import { type Cluster, clusterOf, startAll } from "./cluster.js";
import { temporaryFolder } from "./folders.js";
import { freshName } from "./names.js";
import { freePorts, host } from "./ports.js";
import { ServerProcess } from "./process.js";

export interface ConsulOptions {
  /** Denies everything without the token that the server object holds. */
  readonly acl?: boolean;
  /** More of the agent's configuration file. */
  readonly config?: Readonly<Record<string, unknown>>;
}

export type ConsulServer = ServerProcess & {
  readonly host: string;
  readonly port: number;
  /** Consul's own HTTP API. */
  readonly httpUrl: string;
  /** consul://HOST:PORT, to which a plugin's prefix is added. */
  readonly url: string;
  /** The management token when ACLs are on. */
  readonly token: string | undefined;
  /** A consul:// URL with a prefix under which there is no key. */
  freshPrefix(): Promise<string>;
  /** A request to the HTTP API ("/v1/kv/a"), with the token and a time limit of 10 seconds. */
  request(path: string, init?: RequestInit): Promise<Response>;
};

export type ConsulCluster = Cluster<ConsulServer> & {
  /** As a node's, but the URL has all nodes. */
  freshPrefix(): Promise<string>;
};

interface ConsulNode {
  readonly ports: { readonly http: number; readonly server: number; readonly serf_lan: number };
  readonly serfPorts: readonly number[];
  readonly token: string | undefined;
  readonly options: ConsulOptions;
}

export async function startConsul(options: ConsulOptions = {}): Promise<ConsulServer> {
  const cluster = await startConsulCluster(1, options);
  return cluster.nodes[0]!;
}

export async function startConsulCluster(size = 3, options: ConsulOptions = {}): Promise<ConsulCluster> {
  const { "consul-agent": program } = await built("consul");
  const ports = await freePorts(size * 3);
  const serfPorts = ports.slice(0, size);
  const token = options.acl ? randomUUID() : undefined;
  const starts = serfPorts.map((serf_lan, i) =>
    startNode(program, {
      ports: { serf_lan, http: ports[size + i]!, server: ports[2 * size + i]! },
      serfPorts,
      token,
      options,
    }),
  );
  const cluster = clusterOf(await startAll(starts), async (node) => {
    const answer = await node.request("/v1/agent/self", { signal: AbortSignal.timeout(1000) });
    const self = (await answer.json()) as { Stats: { consul: { leader: string } } };
    return self.Stats.consul.leader === "true";
  });
  const addresses = cluster.nodes.map((node) => `${node.host}:${node.port}`);
  return { ...cluster, freshPrefix: async () => `consul://${addresses.join(",")}/${freshName()}` };
}

async function startNode(program: string, node: ConsulNode): Promise<ConsulServer> {
  const { ports, token, options } = node;
  const folder = temporaryFolder("consul");
  const configFile = join(folder, "consul.json");
  const config = {
    server: true,
    bootstrap_expect: node.serfPorts.length,
    retry_join: node.serfPorts.filter((port) => port !== ports.serf_lan).map((port) => `${host}:${port}`),
    retry_interval: "1s",
    node_name: `node-${ports.serf_lan}`,
    data_dir: join(folder, "data"),
    bind_addr: host,
    client_addr: host,
    ports: { ...ports, serf_wan: -1, dns: -1, grpc: -1, grpc_tls: -1, https: -1 },
    disable_update_check: true,
    // heartbeats for a fast network, which Consul advises for production
    performance: { raft_multiplier: 1 },
    log_level: "info",
    ...(token !== undefined && {
      acl: { enabled: true, default_policy: "deny", tokens: { initial_management: token, agent: token } },
    }),
    ...options.config,
  };
  writeFileSync(configFile, JSON.stringify(config, undefined, 2));

  const httpUrl = `http://${host}:${ports.http}`;
  const url = `consul://${host}:${ports.http}`;
  const request = (path: string, init: RequestInit = {}) =>
    fetch(httpUrl + path, {
      signal: AbortSignal.timeout(10_000),
      ...init,
      headers: { ...(token !== undefined && { "X-Consul-Token": token }), ...(init.headers as object) },
    });
  const server = await ServerProcess.start({
    name: "Consul",
    program,
    args: [`-config-file=${configFile}`],
    folder,
    probe: async () => {
      // a consistent read is answered by a leader that has just asked its followers
      const answer = await request("/v1/kv/?keys&consistent", { signal: AbortSignal.timeout(2000) });
      if (answer.status !== 404 && !answer.ok) throw new Error(`${answer.status} ${await answer.text()}`);
    },
  });
  const freshPrefix = async () => `${url}/${freshName()}`;
  return Object.assign(server, { host, port: ports.http, httpUrl, url, token, request, freshPrefix });
}
