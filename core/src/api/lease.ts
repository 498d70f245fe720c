import { create } from "@bufbuild/protobuf";
import {
  Lease,
  LeaseGrantResponseSchema,
  LeaseKeepAliveResponseSchema,
  LeaseLeasesResponseSchema,
  LeaseRevokeResponseSchema,
  LeaseTimeToLiveResponseSchema,
} from "../gen/etcdserverpb/lease_pb.js";
import type { GuardedApi } from "./api.js";
import { defineService, type Service } from "./service.js";

export function leaseService({ store, headers, auth }: GuardedApi): Service {
  const { lessor } = store;
  const header = () => headers.message(store.revision);
  return defineService(Lease, {
    async leaseGrant(request, context) {
      const guard = await auth.userGuard(context);
      const { id, ttlSeconds } = await lessor.grant(request.ID, request.TTL, guard);
      return create(LeaseGrantResponseSchema, { header: header(), ID: id, TTL: ttlSeconds });
    },

    async leaseRevoke(request, context) {
      await lessor.revoke(request.ID, await auth.leaseGuard(context, request.ID));
      return create(LeaseRevokeResponseSchema, { header: header() });
    },

    async leaseKeepAlive(call) {
      for await (const request of call.requests) {
        // As in etcd the header's revision is that from before the renewal.
        const before = header();
        await auth.requireLeases(call.context, [request.ID], "write");
        const ttl = await lessor.renew(request.ID);
        call.send(create(LeaseKeepAliveResponseSchema, { header: before, ID: request.ID, TTL: ttl }));
      }
    },

    async leaseTimeToLive(request, context) {
      await auth.requireUser(context);
      const status = await lessor.timeToLive(request.ID, request.keys);
      await auth.requireKeys(context, status.keys);
      return create(LeaseTimeToLiveResponseSchema, {
        header: header(),
        ID: request.ID,
        TTL: status.remainingSeconds,
        grantedTTL: status.grantedSeconds,
        keys: [...status.keys],
      });
    },

    async leaseLeases(_request, context) {
      const ids = await lessor.list();
      await auth.requireLeases(context, ids, "read");
      return create(LeaseLeasesResponseSchema, { header: header(), leases: ids.map((ID) => ({ ID })) });
    },
  });
}
