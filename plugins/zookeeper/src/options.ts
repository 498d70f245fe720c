import { z } from "zod";

/**
 * Below the 1,048,575 bytes of ZooKeeper's `jute.maxbuffer`, which counts the whole request; the client
 * library throws above 1,048,576.
 */
export const DEFAULT_MAX_ENTRY_BYTES = 900_000;

const DEFAULT_PORT = 2181;

export interface Server {
  readonly host: string;
  readonly port: number;
}

const text = z.string().min(1);
const milliseconds = z.coerce.number().int();

const fields = z.strictObject({
  url: text.optional(),
  servers: z.array(text).min(1).optional(),
  chroot: z.string().optional(),
  auth: text.optional(),
  "auth-file": text.optional(),
  acl: z.enum(["open", "creator-all"]).optional(),
  "session-timeout-ms": milliseconds.min(1_000).max(600_000).default(10_000),
  "request-timeout-ms": milliseconds.min(100).max(600_000).default(10_000),
  "max-entry-bytes": z.coerce.number().int().min(16_384).max(1_000_000).default(DEFAULT_MAX_ENTRY_BYTES),
});

export const zookeeperOptions = z
  .preprocess(withUrl, fields)
  .superRefine((given, context) => {
    const complain = (path: string, message: string) =>
      context.addIssue({ code: "custom", path: [path], message });
    if (given.auth !== undefined && given["auth-file"] !== undefined)
      complain("auth-file", "give either auth or auth-file, not both");
    if (given.auth !== undefined && !given.auth.includes(":"))
      complain("auth", "write auth as USER:PASSWORD");
    if (given.acl === "creator-all" && !hasAuth(given))
      complain("acl", "acl: creator-all needs auth or auth-file, which name the creator");
    for (const server of given.servers ?? [])
      if (parseServer(server) === undefined) complain("servers", `${server} is not HOST:PORT`);
  })
  .transform((given) => ({
    servers: (given.servers ?? ["127.0.0.1"]).map((server) => parseServer(server) as Server),
    chroot: `/${(given.chroot ?? "").split("/").filter(Boolean).join("/") || "etcd-adapter"}`,
    auth: given.auth,
    authFile: given["auth-file"],
    // who authenticates does so to keep others out
    acl: given.acl ?? (hasAuth(given) ? ("creator-all" as const) : ("open" as const)),
    sessionTimeoutMs: given["session-timeout-ms"],
    requestTimeoutMs: given["request-timeout-ms"],
    maxEntryBytes: given["max-entry-bytes"],
  }));

export type ZooKeeperOptions = z.output<typeof zookeeperOptions>;

/** `zookeeper://HOST:2181,HOST2:2181/CHROOT?auth-file=…`: every option can stand in the query. */
export function optionsFromUrl(url: string): Record<string, unknown> {
  if (/^zookeepers:/.test(url))
    throw new Error(
      "the ZooKeeper client knows no TLS: write zookeeper://, and reach the ensemble through a TLS proxy on this host",
    );
  const match = /^zookeeper:\/\/([^/?#]*)(\/[^?#]*)?(\?[^#]*)?$/.exec(url);
  if (!match)
    throw new Error(
      `${url} is not a ZooKeeper address: write zookeeper://HOST:2181/CHROOT, hosts parted by commas`,
    );
  const [, hosts = "", path = "", query = ""] = match;
  if (hosts.includes("@"))
    throw new Error("a ZooKeeper address holds no user: give auth or auth-file, as ?auth-file=PATH");
  const servers = hosts.split(",").filter((host) => host !== "");
  for (const server of servers)
    if (parseServer(server) === undefined)
      throw new Error(`${server} is not a host with a port: write HOST:2181, or [IPV6]:2181`);
  return {
    ...Object.fromEntries(new URLSearchParams(query)),
    ...(servers.length > 0 && { servers }),
    ...(path.length > 1 && { chroot: decodeURIComponent(path) }),
  };
}

export function parseServer(server: string): Server | undefined {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^[\]:@/]+))(?::(\d{1,5}))?$/.exec(server);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3] ?? DEFAULT_PORT);
  return host === undefined || port < 1 || port > 65_535 ? undefined : { host, port };
}

function hasAuth(given: { auth?: string | undefined; "auth-file"?: string | undefined }): boolean {
  return given.auth !== undefined || given["auth-file"] !== undefined;
}

/** `url` is a shorthand for other options; what is spelled out beside it wins. */
function withUrl(input: unknown): unknown {
  if (typeof input !== "object" || input === null || !("url" in input) || typeof input.url !== "string")
    return input;
  const { url, ...spelledOut } = input;
  return { ...optionsFromUrl(url), ...spelledOut };
}
