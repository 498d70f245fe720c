import type { Auth } from "../auth/auth.js";
import type { Store } from "../mvcc/store.js";
import type { Headers } from "./header.js";

/** etcd's limits on requests. */
export interface ApiLimits {
  /** `--max-request-bytes` */
  readonly maxRequestBytes: number;
  /** `--max-txn-ops` */
  readonly maxTxnOps: number;
}

export const DEFAULT_API_LIMITS: ApiLimits = {
  maxRequestBytes: 1_572_864,
  maxTxnOps: 128,
};

/** What gRPC's framing and etcd's own envelope may add to the largest request. */
export const GRPC_OVERHEAD_BYTES = 512 * 1024;

/** What the services stand on. */
export interface Api {
  readonly store: Store;
  readonly headers: Headers;
  readonly limits: ApiLimits;
}

/** For services whose calls users are permitted or refused one by one. */
export interface GuardedApi extends Api {
  readonly auth: Auth;
}
