/** HTTP/1.1, and HTTP/2 under TLS: the JSON gateway, the plain routes, and what etcd says to everything else. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { posix } from "node:path";
import type { Logger } from "pino";
import type { Peer } from "../api/service.js";
import { textAnswer } from "./answers.js";
import { Exchange } from "./exchange.js";
import { FastHttp } from "./fast-http.js";
import { type Gateway, JSON_PER_MESSAGE_BYTES } from "./gateway.js";
import { allowOrigin, misdirected } from "./http-access.js";
import type { ListenerOptions, Timeouts } from "./options.js";
import { type PlainRoute, PlainRoutes } from "./plain.js";

export interface HttpOptions
  extends Pick<ListenerOptions, "hostWhitelist" | "corsOrigins" | "refuseGateway" | "plainRoutes"> {
  /** Without it there are the plain routes alone. */
  readonly gateway?: Gateway;
  readonly peerOf: (socket: Socket) => Peer;
  readonly timeouts: Timeouts;
  readonly maxReceiveBytes: number;
  readonly logger: Logger;
}

/** Tokens travel in headers, and JSON Web Tokens with many claims are long. */
const MAX_HEAD_BYTES = 64 * 1024;

export class HttpTransport {
  private readonly server: Server;
  private readonly fast: FastHttp | undefined;
  private readonly plainRoutes: PlainRoutes;

  constructor(private readonly options: HttpOptions) {
    const { timeouts, maxReceiveBytes } = options;
    this.plainRoutes = new PlainRoutes(options.plainRoutes ?? []);
    this.server = createServer({
      keepAliveTimeout: timeouts.idleMs,
      headersTimeout: timeouts.headersMs,
      requestTimeout: 0, // a stream's request body may last as long as the stream; others have a timer
      connectionsCheckingInterval: Math.min(5_000, timeouts.headersMs),
      maxHeaderSize: MAX_HEAD_BYTES,
    });
    this.server.on("request", this.handle);
    this.server.on("checkContinue", (request: IncomingMessage, response: ServerResponse) => {
      const length = Number(request.headers["content-length"] ?? 0);
      if (length <= JSON_PER_MESSAGE_BYTES * maxReceiveBytes) {
        response.writeContinue();
      }
      this.handle(request, response);
    });
    this.server.on("clientError", refuse);
    const { gateway } = options;
    this.fast =
      gateway &&
      new FastHttp({
        ...options,
        gateway,
        idleMs: timeouts.idleMs,
        otherwise: (socket) => this.give(socket),
      });
    // It never listens itself; this starts its check of the time-outs.
    this.server.emit("listening");
  }

  accept(socket: Socket): void {
    if (this.fast === undefined) this.give(socket);
    else this.fast.accept(socket, this.options.peerOf(socket));
  }

  /** Closes idle connections, and tells the clients of the others not to reuse them. */
  drain(): void {
    this.fast?.drain();
    this.server.close();
    this.server.prependListener("request", (_request: IncomingMessage, response: ServerResponse) => {
      response.shouldKeepAlive = false;
    });
    this.closeIdle();
  }

  closeIdle(): void {
    this.fast?.closeIdle();
    this.server.closeIdleConnections();
  }

  private give(socket: Socket): void {
    this.server.emit("connection", socket);
  }

  readonly handle = (request: IncomingMessage, response: ServerResponse): void => {
    // Both break when the client goes away, which the response's `close` tells of.
    request.on("error", ignore);
    response.on("error", ignore);
    const { socket } = request;
    const { corsOrigins, hostWhitelist, peerOf, logger } = this.options;
    try {
      const peer = peerOf(socket);
      const reproach = "encrypted" in socket ? undefined : misdirected(request.headers, hostWhitelist);
      if (reproach === undefined) {
        this.route(new Exchange(request, response, peer, allowOrigin(request.headers, corsOrigins)));
      } else {
        new Exchange(request, response, peer, {}).send(textAnswer(421, reproach));
      }
    } catch (error) {
      logger.error({ err: error, url: request.url }, "request failed");
      socket.destroy();
    }
  };

  private route(exchange: Exchange): void {
    const { method, url = "/" } = exchange.request;
    const [path, query] = splitUrl(url);
    const clean = cleanPath(path);
    const { gateway } = this.options;
    if (method === "OPTIONS" && gateway !== undefined) {
      exchange.send({ status: 200, body: "" });
    } else if (clean !== path) {
      const location = encodeURI(clean) + (query === "" ? "" : `?${query}`);
      exchange.send({ status: 307, headers: { Location: location }, body: "" });
    } else if (path.startsWith("/v3/") && gateway !== undefined) {
      const refused = this.options.refuseGateway?.(exchange.peer);
      if (refused !== undefined) {
        exchange.send(refused);
      } else {
        gateway.handle(path, exchange);
      }
    } else {
      this.answerPlainly(path, query, exchange);
    }
  }

  private answerPlainly(path: string, query: string, exchange: Exchange): void {
    const route = this.plainRoutes.find(path);
    if (route === undefined) {
      exchange.send(textAnswer(404, "404 page not found\n"));
    } else if (exchange.request.method !== "GET") {
      exchange.send(textAnswer(405, "Method Not Allowed\n", { Allow: "GET" }));
    } else {
      void this.run(route, path, query, exchange);
    }
  }

  private async run(route: PlainRoute, path: string, query: string, exchange: Exchange): Promise<void> {
    const { request, peer } = exchange;
    try {
      const { headers } = request;
      exchange.send(await route.handle({ path, query: new URLSearchParams(query), headers, peer }));
    } catch (error) {
      this.options.logger.error({ err: error, path }, "request failed");
      exchange.send(textAnswer(500, "Internal Server Error\n"));
    }
  }
}

/** The path and the query of a request's target, which names the host, too, when it is meant for a proxy. */
function splitUrl(target: string): [path: string, query: string] {
  const url = target.startsWith("/") ? target : target.replace(/^https?:\/\/[^/?]*/, "");
  const mark = url.indexOf("?");
  const path = mark === -1 ? url : url.slice(0, mark);
  return [
    path.startsWith("/v3beta/") ? `/v3/${path.slice("/v3beta/".length)}` : decode(path),
    mark === -1 ? "" : url.slice(mark + 1),
  ];
}

function decode(path: string): string {
  if (!path.includes("%")) {
    return path;
  }
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

/** The path as Go's ServeMux wants it, which sends clients there. */
function cleanPath(path: string): string {
  if (path === "/v3") {
    return "/v3/";
  }
  return path.includes("//") || path.includes("/.") ? posix.normalize(path) : path;
}

function ignore(): void {}

function refuse(error: NodeJS.ErrnoException, socket: Socket): void {
  const isAnswering = "_httpMessage" in socket && socket._httpMessage != null;
  if (error.code === "ECONNRESET" || !socket.writable || isAnswering) {
    socket.destroy();
    return;
  }
  const status =
    error.code === "HPE_HEADER_OVERFLOW"
      ? "431 Request Header Fields Too Large"
      : error.code === "ERR_HTTP_REQUEST_TIMEOUT"
        ? "408 Request Timeout"
        : "400 Bad Request";
  socket.end(
    `HTTP/1.1 ${status}\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n${status}`,
    () => socket.destroy(),
  );
}
