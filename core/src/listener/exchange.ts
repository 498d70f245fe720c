/** One HTTP request and its answer. */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Peer } from "../api/service.js";
import type { Status } from "../errors.js";
import { MAX_TEXT_BYTES, streamHeaders } from "./answers.js";
import { errorLine, httpStatusOf } from "./http-status.js";
import type { Headers, PlainResponse } from "./plain.js";
import { type BodyLimits, readBody } from "./request-body.js";
import type { UnaryExchange } from "./unary-exchange.js";

/** What may follow a refused head without costing the connection. */
const MAX_IGNORED_BYTES = 256 * 1024;

/** How long what is left of a refused body is read, so that the client gets to see the answer. */
const LINGER_MS = 2_000;

export class Exchange implements UnaryExchange {
  /** Whether an answer was begun. */
  answered = false;
  done = false;

  constructor(
    readonly request: IncomingMessage,
    readonly response: ServerResponse,
    readonly peer: Peer,
    private readonly commonHeaders: Headers,
  ) {}

  get headers() {
    return this.request.headers;
  }

  onOver(listener: () => void): void {
    this.response.once("close", listener);
  }

  body(limits: BodyLimits, refuse: (bytes: number) => Error): Promise<Buffer> {
    return readBody(this.request, limits, refuse);
  }

  send({ status, headers = {}, body }: PlainResponse): void {
    if (this.answered || this.response.destroyed) {
      return;
    }
    this.answered = true;
    this.done = true;
    const bytes = typeof body === "string" ? Buffer.from(body) : body;
    if (this.bodyIsOver() || Number(this.request.headers["content-length"]) <= MAX_IGNORED_BYTES) {
      this.response.writeHead(status, this.head(headers, bytes.length));
      // Of a text Node makes one write together with the head. Latin1 is the bytes as they are.
      if (bytes.length <= MAX_TEXT_BYTES) this.response.end(bytes.toString("latin1"), "latin1");
      else this.response.end(bytes);
      this.readRest();
    } else {
      this.response.writeHead(status, this.head({ ...headers, Connection: "close" }, bytes.length));
      this.response.write(bytes);
      this.linger(() => this.response.end());
    }
  }

  /** Begins the answer of a stream, which is chunked. */
  startStream(status = 200): void {
    this.answered = true;
    this.response.writeHead(status, this.head(streamHeaders(status)));
  }

  endStream(failure?: Status): void {
    if (this.response.destroyed) {
      return;
    }
    if (!this.answered) {
      this.startStream(failure === undefined ? 200 : httpStatusOf(failure.code));
    }
    if (failure !== undefined) {
      this.response.write(errorLine(failure));
    }
    this.done = true;
    this.response.end();
    this.readRest();
  }

  /** Names and values in turn, which Node writes out several times as fast as an object that was put together. */
  private head(headers: Headers, bodyBytes?: number): string[] {
    const head: string[] = [];
    for (const name in this.commonHeaders) head.push(name, this.commonHeaders[name] as string);
    for (const name in headers) head.push(name, headers[name] as string);
    if (bodyBytes !== undefined) head.push("Content-Length", String(bodyBytes));
    return head;
  }

  private readRest(): void {
    if (!this.bodyIsOver()) {
      this.linger(() => this.request.complete || this.request.destroy());
    }
  }

  /** Whether all of the request was read; HTTP/2 can leave the rest to the connection. */
  private bodyIsOver(): boolean {
    const { complete, headers, httpVersionMajor } = this.request;
    const hasBody = headers["content-length"] !== undefined || headers["transfer-encoding"] !== undefined;
    return complete || httpVersionMajor > 1 || !hasBody;
  }

  /** Closing a socket with unread input resets it, and the answer with it: so the input is read for a while. */
  private linger(then: () => void): void {
    const timer = setTimeout(then, LINGER_MS);
    this.request.once("end", () => {
      clearTimeout(timer);
      then();
    });
    this.request.once("close", () => clearTimeout(timer));
    this.request.resume();
  }
}
