import type { IncomingHttpHeaders } from "node:http";
import type { Peer } from "../api/service.js";

export interface PlainRequest {
  /** Without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  readonly peer: Peer;
}

export type Headers = Readonly<Record<string, string>>;

export interface PlainResponse {
  readonly status: number;
  readonly headers?: Headers;
  readonly body: string | Buffer;
}

/** Answers GET alone; any other method is refused. */
export interface PlainRoute {
  /** With a slash at the end, everything below it too. */
  readonly path: string;
  handle(request: PlainRequest): PlainResponse | Promise<PlainResponse>;
}

/** The routes of a table, found as Go's ServeMux does: the path itself, else the longest prefix. */
export class PlainRoutes {
  private readonly exact: ReadonlyMap<string, PlainRoute>;
  private readonly prefixes: readonly PlainRoute[];

  constructor(routes: readonly PlainRoute[]) {
    this.exact = new Map(routes.map((route) => [route.path, route]));
    this.prefixes = routes
      .filter((route) => route.path.endsWith("/"))
      .sort((a, b) => b.path.length - a.path.length);
  }

  find(path: string): PlainRoute | undefined {
    return this.exact.get(path) ?? this.prefixes.find((route) => path.startsWith(route.path));
  }
}
