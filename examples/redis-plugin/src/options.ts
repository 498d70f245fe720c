import { z } from "zod";

export const redisOptions = z.strictObject({
  server: z.url({ protocol: /^rediss?$/, error: "write redis://HOST" }).default("redis://127.0.0.1:6379"),
  prefix: z.string().min(1).default("etcd-adapter"),
});

export type RedisOptions = z.output<typeof redisOptions>;

/** `redis-log://HOST:PORT/PREFIX`, or `rediss-log://…` for TLS. */
export function optionsFromUrl(url: string): unknown {
  const [, tls, host, prefix] = /^redis(s?)-log:\/\/([^/@?#]*)\/?([^?#]*)$/.exec(url) ?? [];
  if (host === undefined)
    throw new Error("write redis-log://HOST:PORT/PREFIX; a password goes into the option server, in a file");
  return { ...(host && { server: `redis${tls}://${host}` }), ...(prefix && { prefix }) };
}
