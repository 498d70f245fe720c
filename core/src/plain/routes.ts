import type { Alarms } from "../alarms/alarms.js";
import type { Members } from "../cluster/members.js";
import type { PlainRoute } from "../listener/plain.js";
import type { Metrics } from "../metrics/metrics.js";
import type { Store } from "../mvcc/store.js";
import { ETCD_CLUSTER_VERSION, ETCD_VERSION } from "../version.js";
import { checkRoutes } from "./checks.js";
import { debugVarsRoute } from "./debug-vars.js";
import { healthRoute, type Probe } from "./health.js";

export interface PlainRoutesOptions {
  readonly store: Store;
  readonly members: Members;
  readonly alarms: Alarms;
  readonly metrics: Metrics;
}

/** What an etcd serves by plain HTTP beside the gateway, all of it without authentication. */
export function plainRoutes(options: PlainRoutesOptions): PlainRoute[] {
  const { store, members } = options;
  return [versionRoute(), ...metricsRoutes(options), debugVarsRoute(store, members)];
}

/** What `--listen-metrics-urls` serves. */
export function metricsRoutes({ store, alarms, metrics }: PlainRoutesOptions): PlainRoute[] {
  const probe = probeOf(store);
  return [
    healthRoute(alarms, probe, metrics),
    ...checkRoutes(alarms, probe, metrics),
    {
      path: "/metrics",
      handle: async () => ({
        status: 200,
        headers: { "Content-Type": metrics.contentType },
        body: await metrics.text(),
      }),
    },
  ];
}

function versionRoute(): PlainRoute {
  const body = JSON.stringify({
    etcdserver: ETCD_VERSION,
    etcdcluster: ETCD_CLUSTER_VERSION,
    storage: ETCD_CLUSTER_VERSION,
  });
  return {
    path: "/version",
    handle: () => ({ status: 200, headers: { "Content-Type": "application/json" }, body }),
  };
}

/** As etcd's health checks: one key without its value, whichever is there. */
function probeOf(store: Store): Probe {
  return async (serializable) => {
    await store.range({
      type: "range",
      key: Buffer.from([0]),
      rangeEnd: Buffer.alloc(0),
      revision: 0n,
      limit: 1n,
      sortOrder: "none",
      sortTarget: "key",
      keysOnly: true,
      countOnly: false,
      serializable,
      minModRevision: 0n,
      maxModRevision: 0n,
      minCreateRevision: 0n,
      maxCreateRevision: 0n,
    });
  };
}
