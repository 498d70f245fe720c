import { create } from "@bufbuild/protobuf";
import { Code, StatusError } from "../errors.js";
import {
  Health,
  HealthCheckResponseSchema,
  HealthListResponseSchema,
  HealthCheckResponse_ServingStatus as ServingStatus,
} from "../gen/grpc/health/v1/health_pb.js";
import { defineService, type Service } from "./service.js";

/** gRPC's health service; as etcd's it knows only the server as a whole, named "". */
export function healthService(): Service {
  return defineService(Health, {
    async check(request) {
      if (request.service !== "") throw new StatusError(Code.notFound, "unknown service");
      return create(HealthCheckResponseSchema, { status: ServingStatus.SERVING });
    },

    async list() {
      return create(HealthListResponseSchema, { statuses: { "": { status: ServingStatus.SERVING } } });
    },

    async watch(call) {
      const { signal } = call.context;
      for await (const request of call.requests) {
        const status = request.service === "" ? ServingStatus.SERVING : ServingStatus.SERVICE_UNKNOWN;
        call.send(create(HealthCheckResponseSchema, { status }));
      }
      if (!signal.aborted) await new Promise((resolve) => signal.addEventListener("abort", resolve));
    },
  });
}
