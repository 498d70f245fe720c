/** The adapter inside another program: `startEmbedded({ storage: "memory:" })`. */
import { type Logger, pino } from "pino";
import type { z } from "zod";
import { type Adapter, startAdapter } from "./adapter.js";
import { CONFIG } from "./config/options.js";

export type { Adapter } from "./adapter.js";
export type { EmbeddedClient } from "./embedding/client.js";
export { Code, EtcdError, StatusError } from "./errors.js";

/** The program's options under their own names; none has to be given. `listen-client-urls: []` opens no port. */
export type EmbeddedOptions = z.input<typeof CONFIG>;

/** Starts an adapter in this process. Rejects with an error whose message says what to change. */
export async function startEmbedded(
  options: EmbeddedOptions = {},
  logger: Logger = pino({ level: "warn" }),
): Promise<Adapter> {
  return startAdapter(CONFIG.parse(options), logger);
}
