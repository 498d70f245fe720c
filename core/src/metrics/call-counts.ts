import { Counter, type Registry } from "prom-client";
import type { ServiceMethod } from "../api/service.js";
import type { MessageBytes } from "../listener/grpc-messages.js";
import { CODE_NAMES } from "./code-names.js";

export const LABELS = ["grpc_type", "grpc_service", "grpc_method"] as const;

/** Numbers of one method. Plain fields, because they are counted on the way of every request. */
export class MethodCounts {
  started = 0;
  received = 0;
  sent = 0;
  /** By gRPC code. */
  readonly handled = new Array<number>(CODE_NAMES.length).fill(0);
  readonly labels: Record<(typeof LABELS)[number], string>;

  constructor({ method }: ServiceMethod) {
    const { methodKind } = method;
    this.labels = {
      grpc_type:
        methodKind === "unary"
          ? "unary"
          : methodKind === "server_streaming"
            ? "server_stream"
            : "bidi_stream",
      grpc_service: method.parent.typeName,
      grpc_method: method.name,
    };
  }
}

/** Requests of clients of one version. */
export interface ClientRequests {
  readonly type: string;
  readonly version: string;
  requests: number;
}

export function registerMethodCounters(registry: Registry, methods: ReadonlyMap<string, MethodCounts>): void {
  const counter = (name: string, help: string, value: (counts: MethodCounts) => number) =>
    new Counter({
      name,
      help,
      labelNames: LABELS,
      registers: [registry],
      collect() {
        this.reset();
        for (const counts of methods.values()) this.inc(counts.labels, value(counts));
      },
    });
  counter(
    "grpc_server_started_total",
    "Total number of RPCs started on the server.",
    ({ started }) => started,
  );
  counter(
    "grpc_server_msg_received_total",
    "Total number of RPC stream messages received on the server.",
    ({ received }) => received,
  );
  counter(
    "grpc_server_msg_sent_total",
    "Total number of gRPC stream messages sent by the server.",
    ({ sent }) => sent,
  );
  new Counter({
    name: "grpc_server_handled_total",
    help: "Total number of RPCs completed on the server, regardless of success or failure.",
    labelNames: [...LABELS, "grpc_code"],
    registers: [registry],
    collect() {
      this.reset();
      for (const { labels, handled } of methods.values()) {
        for (const [code, count] of handled.entries())
          this.inc({ ...labels, grpc_code: CODE_NAMES[code]! }, count);
      }
    },
  });
}

export function registerClientCounters(
  registry: Registry,
  clients: readonly ReadonlyMap<string, ClientRequests>[],
  clientBytes: MessageBytes,
): void {
  new Counter({
    name: "etcd_server_client_requests_total",
    help: "The total number of client requests per client version.",
    labelNames: ["type", "client_api_version"],
    registers: [registry],
    collect() {
      this.reset();
      for (const { type, version, requests } of clients.flatMap((byVersion) => [...byVersion.values()])) {
        this.inc({ type, client_api_version: version }, requests);
      }
    },
  });
  for (const direction of ["received", "sent"] as const) {
    new Counter({
      name: `etcd_network_client_grpc_${direction}_bytes_total`,
      help: `The total number of bytes ${direction} ${direction === "sent" ? "to" : "from"} grpc clients.`,
      registers: [registry],
      collect() {
        this.reset();
        this.inc(clientBytes[direction]);
      },
    });
  }
}
