/** Where to listen, and why that failed. */

import { unlinkSync } from "node:fs";
import { type AddressInfo, connect, isIPv6, type ListenOptions, type Server } from "node:net";

/** A listen address that cannot be used; the message says which and what to do. */
export class ListenError extends Error {
  override readonly name = "ListenError";
}

export interface Address {
  readonly url: string;
  readonly tls: boolean;
  readonly options: ListenOptions;
}

const SCHEMES: Readonly<Record<string, { tls: boolean; unix: boolean; port: number }>> = {
  "http:": { tls: false, unix: false, port: 80 },
  "https:": { tls: true, unix: false, port: 443 },
  "unix:": { tls: false, unix: true, port: 0 },
  "unixs:": { tls: true, unix: true, port: 0 },
};

/** Connections that wait to be accepted; the kernel caps it. */
const BACKLOG = 4_096;

export function parseAddress(url: string): Address {
  const scheme = SCHEMES[/^[a-z]+:/.exec(url)?.[0] ?? ""];
  if (scheme?.unix) {
    const path = url.replace(/^unixs?:(\/\/)?/, "");
    if (path === "") {
      throw new ListenError(`${url} names no socket; write unix:///PATH.`);
    }
    return { url, tls: scheme.tls, options: { path, backlog: BACKLOG } };
  }
  if (scheme === undefined || !URL.canParse(url)) {
    throw new ListenError(`${url} is not a listen URL; write http://HOST:PORT or https://HOST:PORT.`);
  }
  const { hostname, port, pathname } = new URL(url);
  if (pathname !== "/") {
    throw new ListenError(`${url} has a path; a listen URL is http://HOST:PORT alone.`);
  }
  const host = hostname.replace(/^\[|\]$/g, "");
  const options = { host, port: port === "" ? scheme.port : Number(port), backlog: BACKLOG };
  return { url, tls: scheme.tls, options };
}

/** Listens, and resolves with the URL of the port that was really taken. `flag` is what to change if it can't be. */
export async function bind(server: Server, address: Address, flag: string): Promise<string> {
  const { path } = address.options;
  if (path !== undefined && (await isStaleSocket(path))) {
    unlinkSync(path);
  }
  await new Promise<void>((resolve, reject) => {
    const fail = (error: NodeJS.ErrnoException) => reject(explain(address, error, flag));
    server.once("error", fail);
    server.listen(address.options, () => {
      server.off("error", fail);
      resolve();
    });
  });
  return path === undefined ? urlOf(address, server.address() as AddressInfo) : address.url;
}

function urlOf({ tls, options }: Address, { port }: AddressInfo): string {
  const host = options.host as string;
  return `${tls ? "https" : "http"}://${isIPv6(host) ? `[${host}]` : host}:${port}`;
}

/** A socket file that a killed process left behind: it is there, and nobody answers. */
function isStaleSocket(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect({ path });
    probe.once("connect", () => {
      probe.destroy();
      resolve(false);
    });
    probe.once("error", (error: NodeJS.ErrnoException) => resolve(error.code === "ECONNREFUSED"));
  });
}

function explain({ url }: Address, error: NodeJS.ErrnoException, flag: string): ListenError {
  return new ListenError(`Cannot listen on ${url}: ${reasonOf(error, flag)}`, { cause: error });
}

function reasonOf(error: NodeJS.ErrnoException, flag: string): string {
  switch (error.code) {
    case "EADDRINUSE":
      return `the address is in use. Stop the other process, or choose another ${flag}.`;
    case "EADDRNOTAVAIL":
      return "this machine has no such address. Use one of its own, or 0.0.0.0 for all.";
    case "EACCES":
      return "not permitted. Use a port above 1023, or give the process the right to bind it.";
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return "the host name is unknown. Use an IP address.";
    default:
      return `${error.message}.`;
  }
}
