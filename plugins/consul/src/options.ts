import { z } from "zod";

/** The HTTP limits of Consul's `kv_max_value_size` and `txn_max_req_len`, which are equal unless configured. */
export const DEFAULT_MAX_VALUE_BYTES = 512 * 1024;

const flag = z.union([z.boolean(), z.stringbool()]);
const text = z.string().min(1);
const milliseconds = z.coerce.number().int();

const fields = z.strictObject({
  url: text.optional(),
  addresses: z.array(text).min(1).optional(),
  prefix: z.string().optional(),
  https: flag.optional(),
  token: text.optional(),
  "token-file": text.optional(),
  datacenter: text.optional(),
  namespace: text.optional(),
  partition: text.optional(),
  "ca-file": text.optional(),
  "cert-file": text.optional(),
  "key-file": text.optional(),
  "server-name": text.optional(),
  "request-timeout-ms": milliseconds.min(100).max(600_000).default(10_000),
  "watch-wait-ms": milliseconds.min(1_000).max(600_000).default(10_000),
  "max-value-bytes": z.coerce.number().int().min(16_384).default(DEFAULT_MAX_VALUE_BYTES),
});

export const consulOptions = z
  .preprocess(withUrl, fields)
  .superRefine((given, context) => {
    const complain = (path: string, message: string) =>
      context.addIssue({ code: "custom", path: [path], message });
    if (given.token !== undefined && given["token-file"] !== undefined)
      complain("token-file", "give either token or token-file, not both");
    if ((given["cert-file"] === undefined) !== (given["key-file"] === undefined))
      complain("cert-file", "cert-file and key-file go together");
    if (!given.https)
      for (const name of ["ca-file", "cert-file", "server-name"] as const)
        if (given[name] !== undefined) complain(name, `${name} needs https: true`);
  })
  .transform((given) => ({
    addresses: given.addresses ?? ["127.0.0.1:8500"],
    prefix: (given.prefix ?? "").replace(/^\/+|\/+$/g, "") || "etcd-adapter",
    https: given.https ?? false,
    token: given.token,
    tokenFile: given["token-file"],
    datacenter: given.datacenter,
    namespace: given.namespace,
    partition: given.partition,
    caFile: given["ca-file"],
    certFile: given["cert-file"],
    keyFile: given["key-file"],
    serverName: given["server-name"],
    requestTimeoutMs: given["request-timeout-ms"],
    watchWaitMs: given["watch-wait-ms"],
    maxValueBytes: given["max-value-bytes"],
  }));

export type ConsulOptions = z.output<typeof consulOptions>;

/** `consul://HOST:8500,HOST2:8500/PREFIX?token-file=…`: every option can stand in the query. */
export function optionsFromUrl(url: string): Record<string, unknown> {
  const match = /^(consuls?):\/\/([^/?#]*)(\/[^?#]*)?(\?[^#]*)?$/.exec(url);
  if (!match)
    throw new Error(
      `${url} is not a Consul address: write consul://HOST:8500/PREFIX, hosts parted by commas`,
    );
  const [, scheme, hosts = "", path = "", query = ""] = match;
  if (hosts.includes("@"))
    throw new Error("a Consul address holds no user: give the token by token-file, as ?token-file=PATH");
  const addresses = hosts
    .split(",")
    .filter((host) => host !== "")
    .map(withPort);
  return {
    ...Object.fromEntries(new URLSearchParams(query)),
    ...(addresses.length > 0 && { addresses }),
    ...(path.length > 1 && { prefix: decodeURIComponent(path.slice(1)) }),
    ...(scheme === "consuls" && { https: true }),
  };
}

function withPort(host: string): string {
  if (!/^(\[[0-9a-fA-F:.]+\]|[^[\]:@]+)(:\d{1,5})?$/.test(host))
    throw new Error(`${host} is not a host with a port: write HOST:8500, or [IPV6]:8500`);
  return /:\d+$/.test(host) && !host.endsWith("]") ? host : `${host}:8500`;
}

/** `url` is a shorthand for other options; what is spelled out beside it wins. */
function withUrl(input: unknown): unknown {
  if (typeof input !== "object" || input === null || !("url" in input) || typeof input.url !== "string")
    return input;
  const { url, ...spelledOut } = input;
  return { ...optionsFromUrl(url), ...spelledOut };
}
