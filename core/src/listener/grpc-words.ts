import type { Service } from "../api/service.js";

interface GrpcStatus {
  readonly code?: number | null;
  readonly details?: string | null;
}

const TOO_LARGE = /^Received message larger than max \((\d+) vs (\d+)\)$/;

/** An error of grpc-js itself as Go's gRPC server has it. */
export function inGoWords(status: GrpcStatus): { code: number; details: string } {
  const code = status.code ?? 2;
  const details = status.details ?? "";
  const tooLarge = TOO_LARGE.exec(details);
  if (tooLarge !== null) {
    return { code, details: `grpc: received message larger than max (${tooLarge[1]} vs. ${tooLarge[2]})` };
  }
  if (details === "Deadline exceeded") {
    return { code, details: "context deadline exceeded" };
  }
  if (details.startsWith("Received no request message")) {
    return { code: 2, details: "EOF" };
  }
  return { code, details };
}

/** Names what a path misses. */
export class UnknownMethods {
  private readonly services: ReadonlySet<string>;

  constructor(services: readonly Service[]) {
    this.services = new Set(services.map(({ service }) => service.typeName));
  }

  describe(path: string): string {
    const name = path.replace(/^\//, "");
    const slash = name.lastIndexOf("/");
    if (slash === -1) {
      return `malformed method name: ${JSON.stringify(path)}`;
    }
    const service = name.slice(0, slash);
    return this.services.has(service)
      ? `unknown method ${name.slice(slash + 1)} for service ${service}`
      : `unknown service ${service}`;
  }
}
