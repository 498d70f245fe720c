import { Histogram, type Registry } from "prom-client";
import type { CallContext, Service, ServiceMethod, StreamCall } from "../api/service.js";
import { Code, statusOf } from "../errors.js";
import type { MessageBytes } from "../listener/grpc-messages.js";
import {
  type ClientRequests,
  LABELS,
  MethodCounts,
  registerClientCounters,
  registerMethodCounters,
} from "./call-counts.js";

const OK = 0;
/** What etcd counts of its calls, for those through the gateway too. */
export class CallMetrics {
  /** For the transport of gRPC to add to. */
  readonly clientBytes: MessageBytes = { received: 0, sent: 0 };
  private readonly methods = new Map<string, MethodCounts>();
  /** Of unary calls and of streams, by the clients' version. */
  private readonly unaryClients = new Map<string, ClientRequests>();
  private readonly streamClients = new Map<string, ClientRequests>();
  private readonly seconds: Histogram<(typeof LABELS)[number]> | undefined;

  /** `extensive` also measures how long calls take, as `--metrics extensive`. */
  constructor(registry: Registry, extensive: boolean) {
    registerMethodCounters(registry, this.methods);
    registerClientCounters(registry, [this.unaryClients, this.streamClients], this.clientBytes);
    if (extensive) {
      this.seconds = new Histogram({
        name: "grpc_server_handling_seconds",
        help: "Histogram of response latency (seconds) of gRPC that had been application-level handled by the server.",
        labelNames: LABELS,
        registers: [registry],
      });
    }
  }

  /** Calls of a method, such as "etcdserverpb.KV/Put", so far, and the messages sent in them. */
  of(name: string): { readonly started: number; readonly sent: number } {
    return this.methods.get(name) ?? { started: 0, sent: 0 };
  }

  /** The service with its calls counted. */
  instrument(service: Service): Service {
    return { ...service, methods: service.methods.map((method) => this.instrumentMethod(method)) };
  }

  private instrumentMethod(method: ServiceMethod): ServiceMethod {
    const counts = new MethodCounts(method);
    this.methods.set(`${method.method.parent.typeName}/${method.method.name}`, counts);
    if (method.kind === "unary") {
      return {
        ...method,
        handle: (request, context) => {
          this.begin(counts, context, true);
          counts.received++;
          return this.watched(counts, method.handle(request, context), true);
        },
      };
    }
    return {
      ...method,
      handle: (call: StreamCall) => {
        this.begin(counts, call.context, false);
        return this.watched(counts, method.handle(countingCall(call, counts)), false);
      },
    };
  }

  private begin(counts: MethodCounts, context: CallContext, isUnary: boolean): void {
    counts.started++;
    const version = context.metadata("client-api-version") ?? "unknown";
    const clients = isUnary ? this.unaryClients : this.streamClients;
    const client = clients.get(version);
    if (client) client.requests++;
    // Clients choose the text: not as many series as they like.
    else if (clients.size < 50)
      clients.set(version, { type: isUnary ? "unary" : "stream", version, requests: 1 });
  }

  private async watched<T>(counts: MethodCounts, result: Promise<T>, isUnary: boolean): Promise<T> {
    const start = this.seconds ? performance.now() : 0;
    try {
      const response = await result;
      counts.handled[OK]!++;
      if (isUnary) counts.sent++;
      return response;
    } catch (error) {
      counts.handled[statusOf(error)?.code ?? Code.internal]!++;
      throw error;
    } finally {
      this.seconds?.observe(counts.labels, (performance.now() - start) / 1_000);
    }
  }
}

/** The call, with its messages counted in both directions. */
function countingCall(call: StreamCall, counts: MethodCounts): StreamCall {
  return {
    context: call.context,
    requests: countingRequests(call.requests, counts),
    send(response) {
      counts.sent++;
      return call.send(response);
    },
    onDrain: (listener) => call.onDrain(listener),
  };
}

async function* countingRequests<T>(requests: AsyncIterable<T>, counts: MethodCounts): AsyncGenerator<T> {
  for await (const request of requests) {
    counts.received++;
    yield request;
  }
}
