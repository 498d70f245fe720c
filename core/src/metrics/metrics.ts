import { Counter, collectDefaultMetrics, Gauge, Registry } from "prom-client";
import type { QueryStorage } from "../storage/index.js";
import { CallMetrics } from "./calls.js";
import { MeteredStorage } from "./metered-storage.js";
import { type Observed, registerServerMetrics } from "./server.js";
import { StorageMetrics } from "./storage.js";

/** The metrics of one adapter, in a registry of its own. */
export class Metrics {
  readonly calls: CallMetrics;
  private readonly registry = new Registry();
  private readonly storage: StorageMetrics;
  private readonly health: Record<"success" | "failures", Counter>;
  private readonly checks: Gauge<"type" | "name">;
  private readonly checkCounts: Counter<"type" | "name" | "status">;

  constructor(options: { readonly extensive?: boolean } = {}) {
    const registers = [this.registry];
    collectDefaultMetrics({ register: this.registry });
    this.calls = new CallMetrics(this.registry, options.extensive ?? false);
    this.storage = new StorageMetrics(this.registry);
    this.health = {
      success: new Counter({
        name: "etcd_server_health_success",
        help: "The total number of successful health checks",
        registers,
      }),
      failures: new Counter({
        name: "etcd_server_health_failures",
        help: "The total number of failed health checks",
        registers,
      }),
    };
    this.checks = new Gauge({
      name: "etcd_server_healthcheck",
      help: "The result of each kind of healthcheck.",
      labelNames: ["type", "name"],
      registers,
    });
    this.checkCounts = new Counter({
      name: "etcd_server_healthchecks_total",
      help: "The total number of each kind of healthcheck.",
      labelNames: ["type", "name", "status"],
      registers,
    });
  }

  /** The storage with its calls measured: what a Store should be given. */
  meter(storage: QueryStorage): QueryStorage {
    return new MeteredStorage(storage, this.storage);
  }

  /** Adds what is known once the adapter runs. */
  observe(observed: Observed): void {
    registerServerMetrics(this.registry, this.calls, observed);
  }

  healthAnswered(isHealthy: boolean): void {
    this.health[isHealthy ? "success" : "failures"].inc();
  }

  checked(type: string, name: string, isHealthy: boolean): void {
    this.checks.set({ type, name }, isHealthy ? 1 : 0);
    this.checkCounts.inc({ type, name, status: isHealthy ? "success" : "error" });
  }

  get contentType(): string {
    return this.registry.contentType;
  }

  text(): Promise<string> {
    return this.registry.metrics();
  }
}
