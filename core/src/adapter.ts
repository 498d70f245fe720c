import "reflect-metadata";
import { resolve } from "node:path";
import type { Logger } from "pino";
import { container, type DependencyContainer, type InjectionToken, instanceCachingFactory } from "tsyringe";
import { Alarms } from "./alarms/alarms.js";
import { Quota } from "./alarms/quota.js";
import { SizeMeter } from "./alarms/size-meter.js";
import { GRPC_OVERHEAD_BYTES } from "./api/api.js";
import { Headers } from "./api/header.js";
import type { MaintenanceApi } from "./api/maintenance.js";
import type { Service } from "./api/service.js";
import { allServices } from "./api/services.js";
import { Auth, DEFAULT_AUTH_OPTIONS } from "./auth/auth.js";
import { refusedByGateway } from "./auth/caller.js";
import { Members } from "./cluster/members.js";
import type { Config } from "./config/options.js";
import { retentionOf } from "./config/values.js";
import { EmbeddedClient } from "./embedding/client.js";
import { readCertificates, type TlsFiles, watchCertificates } from "./listener/certificates.js";
import { type Listener, startListener } from "./listener/listener.js";
import { startMetricsListener } from "./listener/metrics-listener.js";
import { Metrics } from "./metrics/metrics.js";
import { AutoCompactor, type Retention } from "./mvcc/auto-compactor.js";
import { DEFAULT_LIMITS } from "./mvcc/committer.js";
import { Store } from "./mvcc/store.js";
import { metricsRoutes, type PlainRoutesOptions, plainRoutes } from "./plain/routes.js";
import { plainText } from "./plain/text.js";
import { refuseUnfinishedRestore } from "./snapshot/index.js";
import { createStorage } from "./storage/open.js";
import type { QueryStorage } from "./storage/query-storage.js";

/** What a scrape that has begun gets to end, when the server stops. */
const METRICS_GRACE_MS = 1_000;

const CONFIG: InjectionToken<Config> = Symbol("config");
const LOGGER: InjectionToken<Logger> = Symbol("logger");
const STORAGE: InjectionToken<QueryStorage> = Symbol("storage");
const METRICS: InjectionToken<Metrics> = Symbol("metrics");
const STORE: InjectionToken<Store> = Symbol("store");
const MEMBERS: InjectionToken<Members> = Symbol("members");
const API: InjectionToken<MaintenanceApi> = Symbol("api");

/** A running adapter. */
export interface Adapter {
  /** Where it listens, as URLs with the real ports. */
  readonly addresses: readonly string[];
  /** Calls it without a port between. */
  readonly client: EmbeddedClient;
  /** Ends watches and calls cleanly, then closes the storage. */
  close(): Promise<void>;
}

/** Starts an adapter with any installed plugin. Rejects with a sentence that says what to change. */
export async function startAdapter(config: Config, logger: Logger): Promise<Adapter> {
  const scope = container.createChildContainer();
  scope.register(CONFIG, { useValue: config });
  scope.register(LOGGER, { useValue: logger });
  const storage = await createStorage(config.storage, { logger, dataDir: dataDirOf(config) });
  scope.register(STORAGE, { useValue: storage });
  registerParts(scope);
  // What was started is stopped in the reverse order, also when a later step fails.
  const stops: (() => Promise<void>)[] = [];
  const close = async (): Promise<void> => {
    for (const stop of stops.splice(0).reverse()) await stop();
  };
  try {
    const store = scope.resolve(STORE);
    stops.push(() => store.close());
    await store.start();
    refuseUnfinishedRestore(store.follower.registry);
    const members = await join(scope);
    stops.push(() => members.close());
    const { auth } = scope.resolve(API);
    stops.push(() => auth.close());
    stops.push(startProgress(store, config), startCompaction(scope));
    const files = tlsFilesOf(config);
    const services = servicesOf(scope);
    // Before the clients' addresses, so that it ends after them: health can be asked for to the end.
    const metricsListener = await listenForMetrics(scope, files);
    stops.push(() => metricsListener.close(METRICS_GRACE_MS));
    const listener = await listen(scope, services, files);
    stops.push(() => listener.close(config["shutdown-timeout"]));
    if (files) stops.push(followCertificates(files, [listener, metricsListener], logger));
    const client = new EmbeddedClient(services);
    stops.push(async () => client.close());
    if (!config["advertise-client-urls"]) await members.announce(listener.addresses);
    return { addresses: listener.addresses, client, close };
  } catch (error) {
    await close().catch((cause) => logger.warn({ err: cause }, "closing after a failed start"));
    throw error;
  }
}

export function dataDirOf(config: Config): string {
  return resolve(config["data-dir"] ?? `${config.name}.etcd-adapter`);
}

function registerParts(scope: DependencyContainer): void {
  scope.register(METRICS, {
    useFactory: instanceCachingFactory(
      (from) => new Metrics({ extensive: from.resolve(CONFIG).metrics === "extensive" }),
    ),
  });
  scope.register(STORE, { useFactory: instanceCachingFactory(storeOf) });
  scope.register(API, { useFactory: instanceCachingFactory(apiOf) });
}

function storeOf(from: DependencyContainer): Store {
  const storage = from.resolve(METRICS).meter(from.resolve(STORAGE));
  const requestTimeoutMs = from.resolve(CONFIG)["request-timeout"];
  return new Store(storage, from.resolve(LOGGER), { ...DEFAULT_LIMITS, requestTimeoutMs });
}

async function join(scope: DependencyContainer): Promise<Members> {
  const config = scope.resolve(CONFIG);
  const clientUrls = config["advertise-client-urls"] ?? config["listen-client-urls"];
  const members = await Members.join(
    scope.resolve(STORE),
    { name: config.name, clientUrls },
    scope.resolve(LOGGER),
  );
  scope.register(MEMBERS, { useValue: members });
  return members;
}

function apiOf(from: DependencyContainer): MaintenanceApi {
  const config = from.resolve(CONFIG);
  const store = from.resolve(STORE);
  const members = from.resolve(MEMBERS);
  const authOptions = {
    ...DEFAULT_AUTH_OPTIONS,
    specification: config["auth-token"],
    ttlSeconds: config["auth-token-ttl"],
    bcryptCost: config["bcrypt-cost"],
  };
  return {
    store,
    members,
    headers: new Headers(members.identity),
    auth: new Auth(store, authOptions, from.resolve(LOGGER)),
    alarms: new Alarms(store),
    meter: new SizeMeter(store.storage),
    quotaBytes: config["quota-backend-bytes"],
    limits: { maxRequestBytes: config["max-request-bytes"], maxTxnOps: config["max-txn-ops"] },
  };
}

function startProgress(store: Store, config: Config): () => Promise<void> {
  const timer = setInterval(() => store.watch.notifyProgress(), config["watch-progress-notify-interval"]);
  return async () => clearInterval(timer);
}

function startCompaction(scope: DependencyContainer): () => Promise<void> {
  const config = scope.resolve(CONFIG);
  const store = scope.resolve(STORE);
  const members = scope.resolve(MEMBERS);
  const mode = config["auto-compaction-mode"];
  const amount = retentionOf(mode, config["auto-compaction-retention"]) ?? 0;
  if (amount === 0) return async () => {};
  const retention: Retention =
    mode === "revision" ? { mode, revisions: BigInt(amount) } : { mode, periodMs: amount };
  const target = {
    revision: () => store.revision,
    compact: (revision: bigint) => store.compactor.compact(revision, false),
    isChosen: () => members.isFirst,
  };
  const compactor = new AutoCompactor(retention, target, scope.resolve(LOGGER));
  return async () => compactor.close();
}

function tlsFilesOf(config: Config): TlsFiles | undefined {
  const certFile = config["cert-file"];
  const keyFile = config["key-file"];
  if (!certFile || !keyFile) return undefined;
  return {
    certFile,
    keyFile,
    trustedCaFile: config["trusted-ca-file"],
    minVersion: TLS_VERSIONS[config["tls-min-version"]],
    maxVersion: TLS_VERSIONS[config["tls-max-version"]],
    cipherSuites: config["cipher-suites"],
  };
}

const TLS_VERSIONS = { "TLS1.2": "TLSv1.2", "TLS1.3": "TLSv1.3" } as const;

/** Certificates are replaced without a restart; broken ones are reported and the old ones kept. */
function followCertificates(
  files: TlsFiles,
  listeners: readonly Listener[],
  logger: Logger,
): () => Promise<void> {
  const stop = watchCertificates(files, () => {
    try {
      const tls = readCertificates(files);
      for (const listener of listeners) listener.secure(tls);
      logger.info("certificates were read again");
    } catch (error) {
      logger.error({ err: error }, "the new certificates can't be used, the old ones stay");
    }
  });
  return async () => stop();
}

function servicesOf(scope: DependencyContainer): Service[] {
  const api = scope.resolve(API);
  const { store, members, alarms, meter, quotaBytes } = api;
  const metrics = scope.resolve(METRICS);
  metrics.observe({ store, members, alarms, meter, quotaBytes });
  const { memberId } = members.identity;
  const quota =
    quotaBytes > 0 ? new Quota(quotaBytes, meter, alarms, memberId, scope.resolve(LOGGER)) : undefined;
  return allServices(api, quota, metrics.calls);
}

async function listenForMetrics(scope: DependencyContainer, files: TlsFiles | undefined): Promise<Listener> {
  const logger = scope.resolve(LOGGER);
  const listener = await startMetricsListener({
    urls: scope.resolve(CONFIG)["listen-metrics-urls"],
    plainRoutes: metricsRoutes(partsOf(scope)),
    tls: files && readCertificates(files),
    logger,
  });
  const { addresses } = listener;
  if (addresses.length > 0) logger.info({ addresses }, "serving metrics");
  return listener;
}

function partsOf(scope: DependencyContainer): PlainRoutesOptions {
  return { ...scope.resolve(API), metrics: scope.resolve(METRICS) };
}

function listen(
  scope: DependencyContainer,
  services: readonly Service[],
  files: TlsFiles | undefined,
): Promise<Listener> {
  const config = scope.resolve(CONFIG);
  const { auth } = scope.resolve(API);
  const hosts = config["host-whitelist"];
  return startListener({
    urls: config["listen-client-urls"],
    services,
    grpcTransport: config["grpc-transport"],
    messageBytes: scope.resolve(METRICS).calls.clientBytes,
    plainRoutes: plainRoutes(partsOf(scope)),
    tls: files && readCertificates(files),
    namesByCertificate: config["client-cert-auth"],
    refuseGateway: (peer) => {
      const body = refusedByGateway(auth, peer);
      return body === undefined ? undefined : plainText(400, body);
    },
    maxReceiveBytes: config["max-request-bytes"] + GRPC_OVERHEAD_BYTES,
    maxConcurrentStreams: config["max-concurrent-streams"],
    keepalive: {
      minTimeMs: config["grpc-keepalive-min-time"],
      intervalMs: config["grpc-keepalive-interval"],
      timeoutMs: config["grpc-keepalive-timeout"],
    },
    hostWhitelist: hosts.includes("*") ? undefined : new Set(hosts),
    logger: scope.resolve(LOGGER),
  });
}
