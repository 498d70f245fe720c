import type { TestContext } from "node:test";
import type { Options } from "../options.js";
import { RawClient } from "./raw-client.js";
import { serve } from "./serve.js";

/** A client of a server with these options, whose sense of time is fine; `hello` is what it sends first. */
export async function open(
  t: TestContext,
  options: Partial<Options> = {},
  hello?: Buffer,
): Promise<RawClient> {
  const { port } = await serve(t, undefined, { tickMs: 10, ...options });
  const client = await RawClient.open(port, hello);
  t.after(() => client.close());
  return client;
}
