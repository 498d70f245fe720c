import http from "node:http";
import https from "node:https";

export interface Answer {
  readonly status: number;
  readonly text: string;
  readonly json: Fields;
}

/** A JSON object of the gateway. */
export type Fields = { [key: string]: unknown } & { header?: { [key: string]: string } };

const POOL = { keepAlive: true, maxSockets: 30 };
const agents = { "http:": new http.Agent(POOL), "https:": new https.Agent(POOL) };

function open(url: string, options: https.RequestOptions): http.ClientRequest {
  return url.startsWith("https:") ? https.request(url, options) : http.request(url, options);
}

/** One request as lua-resty-http sends it: no Content-Type, no Accept, a body of known length. `ca` is PEM. */
export function send(
  url: string,
  path: string,
  body: string | undefined,
  headers: Record<string, string> = {},
  ca?: string,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = open(`${url}${path}`, {
      method: body === undefined ? "GET" : "POST",
      agent: agents[new URL(url).protocol as keyof typeof agents],
      headers: { ...headers, ...(body !== undefined && { "Content-Length": Buffer.byteLength(body) }) },
      ...(ca !== undefined && { ca }),
    });
    request.on("response", (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", reject);
      response.on("end", () => {
        const text = Buffer.concat(chunks).toString();
        resolve({ status: response.statusCode!, text, json: parse(text) });
      });
    });
    request.on("error", reject);
    request.end(body);
  });
}

function parse(text: string): Fields {
  try {
    return JSON.parse(text) as Fields;
  } catch {
    return {};
  }
}

export const base64 = (text: string): string => Buffer.from(text).toString("base64");

/** A watch as APISIX holds it: one request, an endless chunked answer of one JSON object a line. */
export class HttpWatch {
  readonly lines: Fields[] = [];
  /** When each line came, on the monotonic clock. */
  readonly times: number[] = [];
  private rest = "";
  private request: http.ClientRequest | undefined;

  static open(
    url: string,
    body: unknown,
    headers: Record<string, string> = {},
    ca?: string,
  ): Promise<HttpWatch> {
    const watch = new HttpWatch();
    const text = JSON.stringify(body);
    return new Promise((resolve, reject) => {
      watch.request = open(`${url}/v3/watch`, {
        method: "POST",
        agent: false,
        headers: { ...headers, "Content-Length": Buffer.byteLength(text) },
        ...(ca !== undefined && { ca }),
      });
      watch.request.on("response", (response) => {
        response.setEncoding("utf8");
        response.on("data", (chunk: string) => watch.take(chunk));
        response.on("error", () => {});
        resolve(watch);
      });
      watch.request.on("error", reject);
      watch.request.end(text);
    });
  }

  async line(index: number, timeoutMs = 5_000): Promise<Fields> {
    const deadline = Date.now() + timeoutMs;
    while (this.lines.length <= index) {
      if (Date.now() > deadline)
        throw new Error(`line ${index} did not come; there are ${this.lines.length}`);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    return this.lines[index]!;
  }

  close(): void {
    this.request?.destroy();
  }

  private take(chunk: string): void {
    const lines = (this.rest + chunk).split("\n");
    this.rest = lines.pop()!;
    for (const line of lines) {
      this.lines.push(JSON.parse(line) as Fields);
      this.times.push(performance.now());
    }
  }
}
