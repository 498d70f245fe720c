/** Every option, under etcd's name where etcd has it. */
import { z } from "zod";
import { boolean, duration, integer, list, retentionOf, text, urls } from "./values.js";

const positive = integer.refine((value) => value > 0, "a number above 0 is needed");

const tlsVersion = z.enum(["TLS1.2", "TLS1.3"], { error: "TLS1.2 or TLS1.3 is needed" });

/** The storage: one URL whose scheme names the plugin, or the plugin and its options spelled out. */
const storage = z.union(
  [
    z.string(),
    z.strictObject({ plugin: z.string(), options: z.record(z.string(), z.unknown()).default({}) }),
  ],
  { error: "a URL such as sqlite:etcd.db, or `plugin` and `options`, are needed" },
);

export const OPTIONS = {
  name: text.default("default").describe("human-readable name of this member"),
  "data-dir": text.optional().describe("folder for what is kept on disk (default: NAME.etcd-adapter)"),
  storage: storage.default("sqlite:").describe("where the data lives, such as memory: or sqlite:PATH"),
  "listen-client-urls": urls
    .default(["http://127.0.0.1:2379"])
    .describe("addresses to serve clients on, gRPC and JSON alike"),
  "advertise-client-urls": urls
    .optional()
    .describe("addresses that clients are told (default: those listened on)"),
  "listen-metrics-urls": urls
    .default([])
    .describe("more addresses, for /metrics and health checks alone; http:// asks for no certificates"),
  "cert-file": text.optional().describe("certificate for https:// addresses, PEM"),
  "key-file": text.optional().describe("its key, PEM"),
  "trusted-ca-file": text
    .optional()
    .describe("authorities of client certificates, PEM; clients must show one"),
  "client-cert-auth": boolean
    .default(false)
    .describe("clients must show a certificate; needs --trusted-ca-file"),
  "cipher-suites": list.default([]).describe("TLS cipher suites that may be used (default: Node's)"),
  "tls-min-version": tlsVersion.default("TLS1.2").describe("least TLS version"),
  "tls-max-version": tlsVersion.default("TLS1.3").describe("highest TLS version"),
  "max-request-bytes": positive.default(1_572_864).describe("largest request"),
  "max-txn-ops": positive.default(128).describe("most operations in a transaction's list"),
  "max-concurrent-streams": positive.default(4_294_967_295).describe("most streams on a connection"),
  "quota-backend-bytes": integer
    .default(0)
    .describe(
      "size of the storage above which writes are refused; 0 or below: none, whatever etcd's default is",
    ),
  "auto-compaction-mode": z
    .enum(["periodic", "revision"], { error: "periodic or revision is needed" })
    .default("periodic")
    .describe("whether retention is a time or a number of revisions"),
  "auto-compaction-retention": text
    .refine(
      (value) => retentionOf("periodic", value) !== undefined,
      "hours, a duration such as 30m, or a number is needed",
    )
    .default("0")
    .describe("what automatic compaction keeps; 0 switches it off"),
  "auth-token": text.default("simple").describe("kind of tokens: simple, or jwt with its options"),
  "auth-token-ttl": positive.default(300).describe("seconds that a simple token is valid for"),
  "bcrypt-cost": integer
    .refine((value) => value >= 4 && value <= 31, "a number from 4 to 31 is needed")
    .default(10)
    .describe("cost of hashing passwords"),
  metrics: z
    .enum(["basic", "extensive"], { error: "basic or extensive is needed" })
    .default("basic")
    .describe("whether histograms of calls are exported too"),
  "request-timeout": duration.default(7_000).describe("how long a request may wait for the storage"),
  "grpc-transport": z
    .enum(["own", "grpc-js"], { error: "own or grpc-js is needed" })
    .default("own")
    .describe("implementation of gRPC: the fast one of this project, or the well-known one"),
  "grpc-keepalive-min-time": duration.default(5_000).describe("shortest interval of a client's pings"),
  "grpc-keepalive-interval": duration.default(7_200_000).describe("interval of the server's pings"),
  "grpc-keepalive-timeout": duration
    .default(20_000)
    .describe("how long the server waits for a ping's answer"),
  "watch-progress-notify-interval": duration
    .refine((value) => value >= 100, "100ms is the least")
    .default(600_000)
    .describe("interval of progress notices to watchers that ask for them"),
  "host-whitelist": list.default(["*"]).describe("host names that HTTP requests may be for"),
  "shutdown-timeout": duration.default(5_000).describe("how long clients have to end when the server stops"),
  "log-level": z
    .enum(["trace", "debug", "info", "warn", "error", "fatal"], {
      error: "one of trace, debug, info, warn, error, fatal is needed",
    })
    .default("info")
    .describe("least severe messages to log"),
} as const;

type OptionName = keyof typeof OPTIONS;

export const CONFIG = z.strictObject(OPTIONS).superRefine((config, context) => {
  const needs = (name: OptionName, message: string): void =>
    context.addIssue({ code: "custom", path: [name], message });
  if (config["cert-file"] && !config["key-file"]) needs("cert-file", "--key-file is needed too");
  if (config["key-file"] && !config["cert-file"]) needs("key-file", "--cert-file is needed too");
  if (config["client-cert-auth"] && !config["trusted-ca-file"]) {
    needs("client-cert-auth", "--trusted-ca-file is needed too, with the authorities of the clients");
  }
  for (const name of ["listen-client-urls", "listen-metrics-urls"] as const) {
    if (!config["cert-file"] && config[name].some((url) => /^(https|unixs):/.test(url))) {
      needs(name, "--cert-file and --key-file are needed for https");
    }
  }
  const both = config["listen-metrics-urls"].find((url) => config["listen-client-urls"].includes(url));
  if (both !== undefined) {
    needs(
      "listen-metrics-urls",
      `${both} is for clients, and serves /metrics to them; choose another address`,
    );
  }
});

/** Options that are set by being named, as Go's boolean flags are. */
export const SWITCHES: ReadonlySet<string> = new Set(["client-cert-auth"]);

export type Config = z.infer<typeof CONFIG>;

/**
 * etcd's flags about peers, raft and bolt. There is nothing here that they could change; they are accepted,
 * with a warning, so that a unit file written for etcd starts the adapter.
 */
export const WITHOUT_EFFECT: ReadonlySet<string> = new Set([
  "backend-batch-interval",
  "backend-batch-limit",
  "backend-bbolt-freelist-type",
  "discovery",
  "discovery-endpoints",
  "discovery-srv",
  "election-timeout",
  "enable-pprof",
  "enable-v2",
  "force-new-cluster",
  "heartbeat-interval",
  "initial-advertise-peer-urls",
  "initial-cluster",
  "initial-cluster-state",
  "initial-cluster-token",
  "initial-election-tick-advance",
  "listen-peer-urls",
  "log-format",
  "log-outputs",
  "logger",
  "max-snapshots",
  "max-wals",
  "peer-auto-tls",
  "peer-cert-file",
  "peer-client-cert-auth",
  "peer-key-file",
  "peer-trusted-ca-file",
  "pre-vote",
  "snapshot-count",
  "socket-reuse-address",
  "socket-reuse-port",
  "strict-reconfig-check",
  "wal-dir",
]);

/** Of etcd's options those that ask for something that is not here, which must not be taken for granted. */
export const NOT_HERE: ReadonlyMap<string, string> = new Map([
  ["auto-tls", "name a certificate by --cert-file and --key-file"],
  ["self-signed-cert-validity", "name a certificate by --cert-file and --key-file"],
  [
    "client-crl-file",
    "take the certificates' authority out of --trusted-ca-file, or close the port to their owners",
  ],
  ["client-cert-allowed-hostname", "give clients an authority of their own by --trusted-ca-file"],
]);

/** The known name that is nearest to a mistyped one. */
export const KNOWN_NAMES: readonly string[] = [...Object.keys(OPTIONS), ...WITHOUT_EFFECT];
