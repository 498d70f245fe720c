import { STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import type { Peer } from "../api/service.js";
import { MAX_TEXT_BYTES } from "./answers.js";
import type { FastHead } from "./fast-head.js";
import type { Headers, PlainResponse } from "./plain.js";
import { BodyError, type BodyLimits } from "./request-body.js";
import type { UnaryExchange } from "./unary-exchange.js";

export interface FastAnswering {
  /** Milliseconds that the connection is kept for when this is answered; undefined if it is closed then. */
  keptMs(): number | undefined;
  /** Called when the answer is written and the body read, and nothing is left of either. */
  over(): void;
}

/** A request whose head was plain, and its answer. */
export class FastExchange implements UnaryExchange {
  done = false;
  readonly headers: Headers;
  private readonly chunks: Buffer[] = [];
  private missingBytes: number;
  private gone = false;
  private onBody: ((error?: Error) => void) | undefined;
  private listener: (() => void) | undefined;

  constructor(
    { headers, bodyBytes }: FastHead,
    private readonly commonHeaders: Headers,
    readonly peer: Peer,
    private readonly socket: Socket,
    private readonly answering: FastAnswering,
  ) {
    this.headers = headers;
    this.missingBytes = bodyBytes;
  }

  get isRead(): boolean {
    return this.missingBytes === 0;
  }

  /** Takes what belongs to the body, and returns how much that was. */
  read(bytes: Buffer): number {
    const size = Math.min(bytes.length, this.missingBytes);
    this.missingBytes -= size;
    // An answer that did not wait for the body is given all the same; what still comes is nobody's.
    if (size > 0 && !this.done) this.chunks.push(size < bytes.length ? bytes.subarray(0, size) : bytes);
    if (this.isRead) this.onBody?.();
    if (this.isRead && this.done) this.answering.over();
    return size;
  }

  /** The client is no longer there. */
  leave(): void {
    this.gone = true;
    this.onBody?.(new BodyError("the client went away"));
    if (!this.done) this.listener?.();
  }

  onOver(listener: () => void): void {
    this.listener = listener;
  }

  body({ maxBytes, timeoutMs }: BodyLimits, refuse: (bytes: number) => Error): Buffer | Promise<Buffer> {
    const declared = Number(this.headers["content-length"]);
    if (declared > maxBytes) return Promise.reject(refuse(declared));
    if (this.isRead) return this.whole();
    return new Promise((resolve, reject) => {
      const late = () => this.onBody?.(new BodyError("the request's body did not come in time"));
      const timer = setTimeout(late, timeoutMs);
      this.onBody = (error) => {
        clearTimeout(timer);
        this.onBody = undefined;
        if (error === undefined) resolve(this.whole());
        else reject(error);
      };
    });
  }

  send({ status, headers = {}, body }: PlainResponse): void {
    if (this.done || this.gone) return;
    this.done = true;
    const bytes = typeof body === "string" ? Buffer.from(body) : body;
    const keptMs = headers.Connection === undefined ? this.answering.keptMs() : undefined;
    const head = this.head(status, headers, bytes.length, keptMs);
    if (bytes.length <= MAX_TEXT_BYTES) {
      this.socket.write(head + bytes.toString("latin1"), "latin1");
    } else {
      this.socket.cork();
      this.socket.write(head, "latin1");
      this.socket.write(bytes);
      this.socket.uncork();
    }
    this.listener?.();
    if (keptMs === undefined) this.socket.destroySoon();
    else if (this.isRead) this.answering.over();
  }

  private whole(): Buffer {
    return this.chunks.length === 1 ? (this.chunks[0] as Buffer) : Buffer.concat(this.chunks);
  }

  /** As Node's server writes it. */
  private head(status: number, headers: Headers, bodyBytes: number, keptMs: number | undefined): string {
    let head = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? "unknown"}\r\n`;
    const { commonHeaders } = this;
    for (const name in commonHeaders) head += `${name}: ${commonHeaders[name]}\r\n`;
    for (const name in headers) head += `${name}: ${headers[name]}\r\n`;
    head += `Content-Length: ${bodyBytes}\r\nDate: ${dateText()}\r\n`;
    if (keptMs !== undefined) {
      return `${head}Connection: keep-alive\r\nKeep-Alive: timeout=${Math.floor(keptMs / 1_000)}\r\n\r\n`;
    }
    return headers.Connection === undefined ? `${head}Connection: close\r\n\r\n` : `${head}\r\n`;
  }
}

let date = "";
let dateIsUntil = 0;

function dateText(): string {
  const now = Date.now();
  if (now >= dateIsUntil || now < dateIsUntil - 1_000) {
    date = new Date(now).toUTCString();
    dateIsUntil = now - (now % 1_000) + 1_000;
  }
  return date;
}
