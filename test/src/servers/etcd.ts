import { join } from "node:path";
import { built } from "./build.js";
import { temporaryFolder } from "./folders.js";
import { freePorts, host } from "./ports.js";
import { ServerProcess } from "./process.js";
import { run } from "./programs.js";

export interface EtcdOptions {
  /** More of etcd's own flags ("--quota-backend-bytes=…"); the last one of a name wins. */
  readonly args?: readonly string[];
  /** Serves https; with `ca`, clients must show a certificate that it signed. */
  readonly tls?: { readonly cert: string; readonly key: string; readonly ca?: string };
}

export type EtcdServer = ServerProcess & {
  readonly host: string;
  readonly port: number;
  /** The client URL: gRPC and the JSON gateway. */
  readonly url: string;
  readonly peerUrl: string;
  /** Health and metrics by plain HTTP, also where the client URL asks for certificates. */
  readonly metricsUrl: string;
  /** The same by https, where the client URL is. */
  readonly secureMetricsUrl: string;
  /** Runs etcdctl against this server and gives what it printed. */
  etcdctl(args: readonly string[], options?: { readonly input?: string }): Promise<string>;
};

export async function startEtcd(options: EtcdOptions = {}): Promise<EtcdServer> {
  const { etcd, etcdctl } = await built("etcd");
  const [port, peerPort, metricsPort, secureMetricsPort] = await freePorts(4);
  const folder = temporaryFolder("etcd");
  const { tls } = options;
  const url = `${tls ? "https" : "http"}://${host}:${port}`;
  const peerUrl = `http://${host}:${peerPort}`;
  const metricsUrl = `http://${host}:${metricsPort}`;
  const secureMetricsUrl = `https://${host}:${secureMetricsPort}`;
  const flags: Record<string, string> = {
    name: "default",
    "data-dir": join(folder, "data"),
    "listen-client-urls": url,
    "advertise-client-urls": url,
    "listen-peer-urls": peerUrl,
    "initial-advertise-peer-urls": peerUrl,
    "initial-cluster": `default=${peerUrl}`,
    "listen-metrics-urls": tls ? `${metricsUrl},${secureMetricsUrl}` : metricsUrl,
    ...(tls && { "cert-file": tls.cert, "key-file": tls.key }),
    ...(tls?.ca !== undefined && { "client-cert-auth": "true", "trusted-ca-file": tls.ca }),
  };
  const server = await ServerProcess.start({
    name: "etcd",
    program: etcd,
    args: [...Object.entries(flags).map(([flag, value]) => `--${flag}=${value}`), ...(options.args ?? [])],
    folder,
    probe: async () => {
      const answer = await fetch(`${metricsUrl}/health`, { signal: AbortSignal.timeout(2000) });
      if (!answer.ok) throw new Error(await answer.text());
    },
  });
  const tlsArgs = tls ? ["--insecure-skip-tls-verify", `--cert=${tls.cert}`, `--key=${tls.key}`] : [];
  return Object.assign(server, {
    host,
    port: port!,
    url,
    peerUrl,
    metricsUrl,
    secureMetricsUrl,
    etcdctl: (args: readonly string[], { input }: { readonly input?: string } = {}) =>
      run(etcdctl, [`--endpoints=${url}`, ...tlsArgs, ...args], input === undefined ? {} : { input }),
  });
}
