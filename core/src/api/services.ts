import { type Quota, withQuota } from "../alarms/quota.js";
import type { CallMetrics } from "../metrics/calls.js";
import { authService } from "./auth.js";
import { clusterService } from "./cluster.js";
import { electionService } from "./election.js";
import { healthService } from "./health.js";
import { kvService } from "./kv.js";
import { leaseService } from "./lease.js";
import { LocalClient } from "./local-client.js";
import { lockService } from "./lock.js";
import { type MaintenanceApi, maintenanceService } from "./maintenance.js";
import type { Service } from "./service.js";
import { watchService } from "./watch.js";

/** All of etcd's services, behind the quota, with their calls counted. */
export function allServices(api: MaintenanceApi, quota: Quota | undefined, calls: CallMetrics): Service[] {
  const kv = withQuota(kvService(api), quota);
  const lease = withQuota(leaseService(api), quota);
  const client = new LocalClient([kv, lease]);
  const { watch } = api.store;
  const services = [
    kv,
    watchService(api),
    lease,
    clusterService(api),
    maintenanceService(api),
    authService(api),
    lockService(client, watch),
    electionService(client, watch, api.headers),
    healthService(),
  ];
  return services.map((service) => calls.instrument(service));
}
