import { lookup } from "node:dns";
import type { EventEmitter } from "node:events";
import { readFile } from "node:fs/promises";
import { Agent as HttpAgent } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import type { LookupFunction } from "node:net";
import { StorageError } from "@etcd-adapter/core/storage";
import Consul from "consul";
import type { ConsulOptions } from "./options.js";

interface CallOptions {
  readonly ctx: EventEmitter;
  readonly timeout: number;
  readonly consistent?: true;
}

type KeyOptions<T> = CallOptions & { readonly key: string } & T;

/** What the plugin calls of the library, whose own types leave out cancelling, consistency and most options. */
export interface ConsulApi {
  readonly kv: {
    get(options: KeyOptions<{ buffer?: true; raw?: true; index?: number; wait?: string }>): Promise<unknown>;
    keys(options: KeyOptions<{ separator: string }>): Promise<unknown>;
    set(options: KeyOptions<{ value: Buffer; cas?: number }>): Promise<unknown>;
    del(options: KeyOptions<{ recurse: true }>): Promise<unknown>;
  };
  readonly transaction: { create(operations: readonly unknown[], options: CallOptions): Promise<unknown> };
  destroy(): void;
}

/** What the library has from its HTTP layer, and does not declare. */
interface Extensible extends ConsulApi {
  _ext(event: "onCreate", run: (request: { opts: { query: object } }, next: () => void) => void): void;
}

/** One client for each address; they share their connections' settings, and read files only here. */
export async function connectAll(options: ConsulOptions): Promise<ConsulApi[]> {
  const token = options.tokenFile === undefined ? options.token : await secret(options.tokenFile);
  const agent = await newAgent(options);
  return options.addresses.map((address) => {
    const settings = {
      baseUrl: `${options.https ? "https" : "http"}://${address}/v1`,
      agent,
      lookup: bracketless,
      defaults: {
        ...(token !== undefined && { token }),
        ...(options.datacenter !== undefined && { dc: options.datacenter }),
        ...(options.partition !== undefined && { partition: options.partition }),
      },
    };
    const api = new Consul(settings) as unknown as Extensible;
    const { namespace } = options;
    // the library knows no namespaces
    if (namespace !== undefined)
      api._ext("onCreate", (request, next) => {
        Object.assign(request.opts.query, { ns: namespace });
        next();
      });
    return api;
  });
}

async function newAgent(options: ConsulOptions): Promise<HttpAgent> {
  const settings = { keepAlive: true };
  if (!options.https) return new HttpAgent(settings);
  return new HttpsAgent({
    ...settings,
    ...(options.caFile !== undefined && { ca: await file(options.caFile) }),
    ...(options.certFile !== undefined && { cert: await file(options.certFile) }),
    ...(options.keyFile !== undefined && { key: await file(options.keyFile) }),
    ...(options.serverName !== undefined && { servername: options.serverName }),
  });
}

async function secret(path: string): Promise<string> {
  return (await file(path)).toString().trim();
}

async function file(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (error) {
    throw new StorageError("misconfigured", `cannot read ${path}: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

/** The library takes the host from a URL and leaves an IPv6 address in its brackets. */
const bracketless: LookupFunction = (host, options, done) =>
  lookup(host.replace(/^\[|\]$/g, ""), options, done);
