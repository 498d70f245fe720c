import type { CallContext, Peer } from "../api/service.js";
import { Code, StatusError } from "../errors.js";
import { CallEnd, canceled, deadlineExceeded } from "./call.js";
import type { UnaryExchange } from "./unary-exchange.js";

const UNIT_MS: Readonly<Record<string, number>> = {
  H: 3_600_000,
  M: 60_000,
  S: 1_000,
  m: 1,
  u: 1e-3,
  n: 1e-6,
};
const TIMEOUT = /^([+-]?[0-9]{1,18})([HMSmun])$/;
const MAX_TIMER_MS = 2 ** 31 - 1;
const METADATA_PREFIX = "grpc-metadata-";
const HEADER_PREFIX = "grpcgateway-";

/** A gateway's call: what HTTP headers and the connection say, as gRPC would have it. */
export class GatewayContext implements CallContext {
  readonly transport = "gateway";
  readonly end = new CallEnd();
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly exchange: UnaryExchange) {
    const timeoutMs = timeoutOf(exchange.headers["grpc-timeout"]);
    if (timeoutMs !== undefined) {
      this.timer = setTimeout(() => this.end.end(deadlineExceeded()), timeoutMs);
    }
    exchange.onOver(() => this.close());
  }

  get signal(): AbortSignal {
    return this.end.signal;
  }

  get peer(): Peer {
    return this.exchange.peer;
  }

  metadata(name: string): string | undefined {
    const { headers } = this.exchange;
    const own = headers[METADATA_PREFIX + name];
    const value =
      name === "authorization"
        ? (headers.authorization ?? own)
        : name.startsWith(HEADER_PREFIX)
          ? headers[name.slice(HEADER_PREFIX.length)]
          : own;
    return Array.isArray(value) ? value.at(-1) : value;
  }

  private close(): void {
    clearTimeout(this.timer);
    if (!this.exchange.done) {
      this.end.end(canceled());
    }
  }
}

/** Milliseconds of a Grpc-Timeout; undefined for none. */
function timeoutOf(header: string | string[] | undefined): number | undefined {
  if (header === undefined || header === "") {
    return undefined;
  }
  const [, amount, unit] = TIMEOUT.exec(String(header)) ?? [];
  if (amount === undefined || unit === undefined) {
    throw new StatusError(Code.invalidArgument, `invalid grpc-timeout: ${header}`);
  }
  const timeoutMs = Number(amount) * (UNIT_MS[unit] as number);
  return timeoutMs === 0 || timeoutMs > MAX_TIMER_MS ? undefined : timeoutMs;
}
