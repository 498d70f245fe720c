/** Which hosts a request may name, and which origins a browser may call from. */
import type { IncomingHttpHeaders } from "node:http";
import type { Headers } from "./plain.js";

const CORS = {
  "Access-Control-Allow-Headers": "accept, content-type, authorization",
  "Access-Control-Allow-Methods": "POST, GET, OPTIONS, PUT, DELETE",
};
const CORS_ANY: Headers = { ...CORS, "Access-Control-Allow-Origin": "*" };

/** The headers that let a browser read the answer. */
export function allowOrigin(
  { origin }: Pick<IncomingHttpHeaders, "origin">,
  origins: ReadonlySet<string> | undefined,
): Headers {
  if (origins === undefined || origins.has("*")) {
    return CORS_ANY;
  }
  return origin !== undefined && origins.has(origin)
    ? { ...CORS, "Access-Control-Allow-Origin": origin }
    : {};
}

/** What to tell a client that names a host which is not in the whitelist; undefined if it is. */
export function misdirected(
  headers: Pick<IncomingHttpHeaders, "host">,
  whitelist: ReadonlySet<string> | undefined,
): string | undefined {
  if (whitelist === undefined || whitelist.size === 0 || whitelist.has("*")) {
    return undefined;
  }
  const host = (headers.host ?? "").replace(/:\d+$/, "");
  if (whitelist.has(host)) {
    return undefined;
  }
  return (
    "\nThe request's Host header was not recognized.\n\n" +
    `Use TLS, or add the host to the whitelist: --host-whitelist ${JSON.stringify(host)}\n\n` +
    "This guards against DNS rebinding attacks (CVE-2018-5702).\n"
  );
}
