import type { Logger } from "pino";
import { ConfigError } from "../config/config-error.js";
import type { Store } from "../mvcc/store.js";
import { jwtOptions } from "./jwt-options.js";
import { JwtTokens } from "./jwt-tokens.js";
import { SimpleTokens } from "./simple-tokens.js";
import type { TokenProvider } from "./tokens.js";

const DEFAULT_TTL_SECONDS = 300;

export interface TokenOptions {
  /** `--auth-token`: `simple`, or `jwt` with its parameters. */
  readonly specification: string;
  /** `--auth-token-ttl`, of simple tokens; etcd takes its default for 0 and less. */
  readonly ttlSeconds: number;
  readonly now: () => number;
}

/** Throws a ConfigError for what the operator has to change. */
export function tokenProvider(options: TokenOptions, store: Store, logger: Logger): TokenProvider {
  const [type, ...parts] = options.specification.split(",");
  if (type === "jwt") return new JwtTokens(jwtOptions(parametersOf(parts)), options.now);
  if (type !== "simple")
    throw new ConfigError(`--auth-token: "${type}" is unknown; simple and jwt are known.`);
  const ttlSeconds = options.ttlSeconds > 0 ? options.ttlSeconds : DEFAULT_TTL_SECONDS;
  const { follower, committer } = store;
  const sessions = { ttlMs: ttlSeconds * 1_000, now: options.now };
  return new SimpleTokens(follower.registry, committer, sessions, logger);
}

function parametersOf(parts: readonly string[]): Map<string, string> {
  const parameters = new Map<string, string>();
  for (const part of parts) {
    const [name, value, ...rest] = part.split("=");
    if (!name || value === undefined || rest.length > 0 || parameters.has(name)) {
      throw new ConfigError(`--auth-token: "${part}" is not a parameter, each is NAME=VALUE and given once.`);
    }
    parameters.set(name, value);
  }
  return parameters;
}
