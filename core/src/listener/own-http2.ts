/** Requests over HTTP/2 that are not gRPC, in the shape of Node's HTTP/1.1 as far as the gateway uses it. */
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from "node:http";
import { Readable, Writable } from "node:stream";
import type { OtherRequest } from "@etcd-adapter/transport";

export function asHttp(request: OtherRequest): { request: IncomingMessage; response: ServerResponse } {
  const shaped = new ShapedRequest(request);
  const response = new ShapedResponse(request);
  request.onAbort(() => {
    shaped.destroy();
    response.destroy();
  });
  return {
    request: shaped as unknown as IncomingMessage,
    response: response as unknown as ServerResponse,
  };
}

class ShapedRequest extends Readable {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly httpVersion = "2.0";
  readonly httpVersionMajor = 2;
  readonly socket: OtherRequest["peer"]["socket"];
  complete = false;
  private readonly body: AsyncIterator<Buffer>;

  constructor(request: OtherRequest) {
    super();
    this.method = request.method;
    this.url = request.path;
    this.socket = request.peer.socket;
    const named = [...request.headers].filter(([name]) => !name.startsWith(":"));
    this.headers = { ...Object.fromEntries(named), host: request.authority };
    this.body = request.body[Symbol.asyncIterator]();
  }

  override _read(): void {
    this.body.next().then(
      ({ done, value }) => {
        this.complete ||= done === true;
        this.push(done ? null : value);
      },
      (error: Error) => this.destroy(error),
    );
  }
}

class ShapedResponse extends Writable {
  headersSent = false;
  shouldKeepAlive = true;
  private waiting: (() => void) | undefined;

  constructor(private readonly request: OtherRequest) {
    super();
    request.onDrain(() => {
      const { waiting } = this;
      this.waiting = undefined;
      waiting?.();
    });
  }

  writeContinue(): void {}

  /** `head`: names and values in turn. */
  writeHead(status: number, head: readonly string[] = []): this {
    this.headersSent = true;
    const headers: Record<string, string> = {};
    for (let at = 0; at < head.length; at += 2) headers[head[at]!] = head[at + 1]!;
    this.request.respond(status, headers);
    return this;
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    if (this.request.write(chunk)) done();
    else this.waiting = done;
  }

  override _final(done: () => void): void {
    this.request.end();
    done();
  }
}
