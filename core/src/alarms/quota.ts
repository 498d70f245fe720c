import type { Logger } from "pino";
import type { Service, ServiceMethod, UnaryHandler } from "../api/service.js";
import { EtcdError } from "../errors.js";
import { KV, type PutRequest, type TxnRequest } from "../gen/etcdserverpb/kv_pb.js";
import { Lease } from "../gen/etcdserverpb/lease_pb.js";
import type { StorageSize } from "../storage/index.js";
import { ALARM } from "./alarm-entry.js";
import type { Alarms } from "./alarms.js";
import { LEASE_COST, putCost, txnCost } from "./cost.js";
import type { SizeMeter } from "./size-meter.js";

/** Sizes that are this close together are not measured anew: each measurement is a query to the backend. */
const LEAST_INTERVAL_MS = 100;
const MAX_AGE_MS = 1_000;

/** `--quota-backend-bytes`: refuses what would make the storage larger, and raises NOSPACE when it does. */
export class Quota {
  /** What was let through since the size was measured. */
  private spent = 0;
  private measured: StorageSize | undefined;

  constructor(
    private readonly maxBytes: number,
    private readonly meter: SizeMeter,
    private readonly alarms: Alarms,
    private readonly memberId: bigint,
    private readonly logger: Logger,
  ) {}

  async spend(cost: number): Promise<void> {
    // As etcd: what costs nothing is never refused here.
    if (cost === 0) return;
    await this.measure(MAX_AGE_MS);
    if (!this.fits(cost)) await this.measure(LEAST_INTERVAL_MS);
    if (!this.fits(cost)) await this.refuse();
    this.spent += cost;
  }

  private fits(cost: number): boolean {
    return Number(this.measured?.total ?? 0n) + this.spent + cost < this.maxBytes;
  }

  private async measure(maxAgeMs: number): Promise<void> {
    const size = await this.meter.size(maxAgeMs);
    if (size === this.measured) return;
    this.measured = size;
    this.spent = 0;
  }

  private async refuse(): Promise<never> {
    const alarm = { memberId: this.memberId, type: ALARM.noSpace };
    await this.alarms.activate(alarm).catch((error) => {
      this.logger.warn({ err: error }, "the NOSPACE alarm could not be raised");
    });
    throw new EtcdError("noSpace");
  }
}

/** The service behind the quota, which as in etcd comes before any other check of a request. */
export function withQuota(service: Service, quota: Quota | undefined): Service {
  if (!quota || (service.service !== KV && service.service !== Lease)) return service;
  return { ...service, methods: service.methods.map((method) => guarded(method, quota)) };
}

function guarded(method: ServiceMethod, quota: Quota): ServiceMethod {
  const cost = COSTS[method.method.localName];
  if (method.kind !== "unary" || !cost) return method;
  const handle: UnaryHandler = async (request, context) => {
    await quota.spend(cost(request));
    return method.handle(request, context);
  };
  return { ...method, handle };
}

const COSTS: Record<string, ((request: unknown) => number) | undefined> = {
  put: (request) => putCost(request as PutRequest),
  txn: (request) => txnCost(request as TxnRequest),
  leaseGrant: () => LEASE_COST,
};
