/** A listener on a free port, with services that a test makes up. */
import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { create, type DescService } from "@bufbuild/protobuf";
import { type Logger, pino } from "pino";
import type { Handlers, Service } from "../../api/service.js";
import { KV } from "../../gen/etcdserverpb/kv_pb.js";
import { Lease } from "../../gen/etcdserverpb/lease_pb.js";
import { Maintenance } from "../../gen/etcdserverpb/maintenance_pb.js";
import { Watch } from "../../gen/etcdserverpb/watch_pb.js";
import { type Listener, type ListenerOptions, startListener } from "../listener.js";

export interface Handling {
  readonly kv?: Partial<Handlers<typeof KV>>;
  readonly watch?: Partial<Handlers<typeof Watch>>;
  readonly lease?: Partial<Handlers<typeof Lease>>;
  readonly maintenance?: Partial<Handlers<typeof Maintenance>>;
}

export interface Fixture {
  readonly listener: Listener;
  readonly url: string;
  /** host:port */
  readonly address: string;
  readonly port: number;
  /** Messages that were logged as errors. */
  readonly errors: string[];
  [Symbol.asyncDispose](): Promise<void>;
}

export async function listen(handling: Handling, options: Partial<ListenerOptions> = {}): Promise<Fixture> {
  const errors: string[] = [];
  const listener = await startListener({
    urls: ["http://127.0.0.1:0"],
    services: services(handling),
    logger: errorsTo(errors),
    grpcTransport: process.env.ETCD_GRPC_TRANSPORT === "grpc-js" ? "grpc-js" : "own",
    ...options,
  });
  const [url = ""] = listener.addresses;
  const { host, port } = new URL(url);
  return {
    listener,
    url,
    address: host,
    port: Number(port),
    errors,
    [Symbol.asyncDispose]: () => listener.close(0),
  };
}

function services({ kv = {}, watch = {}, lease = {}, maintenance = {} }: Handling): Service[] {
  return [serve(KV, kv), serve(Watch, watch), serve(Lease, lease), serve(Maintenance, maintenance)];
}

/** What a test does not handle answers with an empty message. */
function serve<S extends DescService>(service: S, handlers: Partial<Handlers<S>>): Service {
  const given = handlers as Record<string, never>;
  return {
    service,
    methods: service.methods.map((method) =>
      method.methodKind === "unary"
        ? { kind: "unary", method, handle: given[method.localName] ?? (async () => create(method.output)) }
        : { kind: "stream", method, handle: given[method.localName] ?? (async () => {}) },
    ),
  };
}

function errorsTo(errors: string[]): Logger {
  return pino(
    { level: "error" },
    {
      write: (line: string) => {
        const { err, msg } = JSON.parse(line) as { err?: { message: string }; msg: string };
        errors.push(`${msg}: ${err?.message}`);
      },
    },
  );
}

/** A plain connection, and everything that came over it. */
export class Wire {
  readonly socket: Socket;
  received = "";
  closed = false;

  constructor(port: number) {
    this.socket = connect({ port, host: "127.0.0.1", noDelay: true });
    this.socket.on("data", (data) => {
      this.received += data.toString("latin1");
    });
    this.socket.on("error", () => {});
    this.socket.on("close", () => {
      this.closed = true;
    });
  }

  send(...parts: (string | Buffer)[]): this {
    for (const part of parts) {
      this.socket.write(part);
    }
    return this;
  }

  async receive(what: string | RegExp, withinMs = 5_000): Promise<string> {
    const has = () => (typeof what === "string" ? this.received.includes(what) : what.test(this.received));
    await until(has, `${what} in ${this.received}`, withinMs);
    return this.received;
  }
}

export function post(path: string, body: string, headers = ""): string {
  return `POST ${path} HTTP/1.1\r\nHost: x\r\n${headers}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}

/** A request to the gateway by fetch. */
export async function call(
  url: string,
  path: string,
  body: string | Buffer,
  headers: Record<string, string> = {},
) {
  const response = await fetch(url + path, { method: "POST", body, headers });
  return { status: response.status, headers: response.headers, text: await response.text() };
}

export async function until(condition: () => boolean, what: string, withinMs = 5_000): Promise<void> {
  const end = Date.now() + withinMs;
  while (!condition()) {
    if (Date.now() > end) {
      throw new Error(`waited in vain for ${what}`);
    }
    await sleep(2);
  }
}

/** Resolves when the signal is aborted, with its reason. */
export function aborted(signal: AbortSignal): Promise<Error> {
  return new Promise((resolve) => {
    if (signal.aborted) {
      resolve(signal.reason as Error);
    }
    signal.addEventListener("abort", () => resolve(signal.reason as Error), { once: true });
  });
}
