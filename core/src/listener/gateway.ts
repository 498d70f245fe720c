/** The JSON gateway: the same services over HTTP, at the paths that their descriptions name. */
import {
  type DescMessage,
  type DescMethod,
  getOption,
  hasOption,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import {
  type Response,
  type Service,
  type ServiceMethod,
  type StreamMethod,
  type UnaryMethod,
  whole,
} from "../api/service.js";
import { readJson, transcode, writeJson } from "../codec/index.js";
import { Code, type StatusError } from "../errors.js";
import { gateway as gatewayOption } from "../gen/etcdadapter/gateway_pb.js";
import { errorAnswer, okAnswer, textAnswer } from "./answers.js";
import { BodyRequests, SingleRequest } from "./body-requests.js";
import type { CallEnd, OpenStreams } from "./call.js";
import type { Exchange } from "./exchange.js";
import { GatewayContext } from "./gateway-context.js";
import { GatewayStream, type Request } from "./gateway-stream.js";
import { BodyError, tooLarge } from "./request-body.js";
import type { RequestReader } from "./request-reader.js";
import type { Statuses } from "./statuses.js";
import type { UnaryExchange } from "./unary-exchange.js";

export interface GatewayOptions {
  readonly services: readonly Service[];
  readonly statuses: Statuses;
  readonly openStreams: OpenStreams;
  readonly maxReceiveBytes: number;
  readonly bodyTimeoutMs: number;
}

/**
 * JSON takes 4/3 of the bytes that it holds as base64, and up to twice that where slashes are escaped; white
 * space is not counted on.
 */
export const JSON_PER_MESSAGE_BYTES = 4;

interface Route<M extends ServiceMethod = ServiceMethod> {
  readonly method: M;
  /** As gRPC names the method. */
  readonly name: string;
}

export type UnaryRoute = Route<UnaryMethod>;

export class Gateway {
  private readonly routes: ReadonlyMap<string, Route>;
  private readonly maxBodyBytes: number;

  constructor(private readonly options: GatewayOptions) {
    this.routes = new Map(options.services.flatMap(routesOf));
    this.maxBodyBytes = JSON_PER_MESSAGE_BYTES * options.maxReceiveBytes;
  }

  /** Answers a request below `/v3/`. */
  handle(path: string, exchange: Exchange): void {
    const route = this.routes.get(path);
    if (route === undefined) {
      exchange.send(errorAnswer({ code: Code.notFound, message: "Not Found" }));
    } else if (exchange.request.method !== "POST") {
      exchange.send(errorAnswer({ code: Code.unimplemented, message: "Method Not Allowed" }));
    } else if (isUnary(route)) {
      void this.answer(route, exchange);
    } else {
      void this.converse(route as Route<StreamMethod>, exchange);
    }
  }

  /** The unary method at a path; undefined if there is none. */
  unaryRoute(path: string): UnaryRoute | undefined {
    const route = this.routes.get(path);
    return route !== undefined && isUnary(route) ? route : undefined;
  }

  async answer({ method: { method, handle }, name }: UnaryRoute, exchange: UnaryExchange): Promise<void> {
    let context: GatewayContext | undefined;
    try {
      context = new GatewayContext(exchange);
      // A deadline is answered when it passes, whatever the handler waits for.
      context.end.onEnd((reason) => this.fail(reason, name, exchange));
      const response = whole(await handle(await this.readMessage(method, exchange), context));
      exchange.send(okAnswer(textOf(method.output, response)));
    } catch (error) {
      this.fail(error, name, exchange, context?.end);
    }
  }

  private async converse(
    { method: { method, handle }, name }: Route<StreamMethod>,
    exchange: Exchange,
  ): Promise<void> {
    let context: GatewayContext | undefined;
    try {
      context = new GatewayContext(exchange);
      const requests: RequestReader<Request> =
        method.methodKind === "server_streaming"
          ? new SingleRequest(await this.readMessage(method, exchange))
          : this.bodyRequests(method, exchange, (reason) => stream.hasNoRequest(reason));
      const stream = new GatewayStream(exchange, context, method, requests);
      const failure = await this.run(() => handle(stream), context.end);
      stream.finish(this.options.statuses.ofStream(failure, name, context.end));
    } catch (error) {
      this.fail(error, name, exchange, context?.end);
    }
  }

  /** Resolves with what a handler failed with. */
  private async run(handle: () => Promise<void>, end: CallEnd): Promise<unknown> {
    const { openStreams } = this.options;
    openStreams.add(end);
    try {
      await handle();
    } catch (error) {
      return error ?? new Error("a handler failed without saying why");
    } finally {
      openStreams.delete(end);
    }
    return undefined;
  }

  private bodyRequests(
    method: DescMethod,
    exchange: Exchange,
    onNone: (reason: StatusError) => void,
  ): RequestReader<Request> {
    return new BodyRequests(exchange.request, {
      decode: (value) => this.decode(method.input, value),
      maxValueBytes: this.maxBodyBytes,
      tooLarge: (bytes) => tooLarge(bytes, this.options.maxReceiveBytes),
      onNone,
    });
  }

  private async readMessage(method: DescMethod, exchange: UnaryExchange): Promise<Request> {
    const { maxReceiveBytes, bodyTimeoutMs } = this.options;
    const limits = { maxBytes: this.maxBodyBytes, timeoutMs: bodyTimeoutMs };
    const body = exchange.body(limits, (bytes) => tooLarge(bytes, maxReceiveBytes));
    return this.decode(method.input, Buffer.isBuffer(body) ? body : await body);
  }

  private decode(type: DescMessage, text: Buffer): Request {
    const { maxReceiveBytes } = this.options;
    const message = readJson(type, text);
    // No message is longer than its JSON, but for some that are short in any case.
    if (text.length > maxReceiveBytes) {
      const { length } = toBinary(type, message);
      if (length > maxReceiveBytes) {
        throw tooLarge(length, maxReceiveBytes);
      }
    }
    return message;
  }

  private fail(error: unknown, name: string, exchange: UnaryExchange, end?: CallEnd): void {
    if (error instanceof BodyError) {
      exchange.send(textAnswer(408, `${error.message}\n`, { Connection: "close" }));
    } else {
      exchange.send(errorAnswer(this.options.statuses.of(error, name, end)));
    }
  }
}

function isUnary(route: Route): route is UnaryRoute {
  return route.method.kind === "unary";
}

function routesOf({ service, methods }: Service): [string, Route][] {
  return methods.flatMap((method) => {
    const route = { method, name: `/${service.typeName}/${method.method.name}` };
    const paths = hasOption(method.method, gatewayOption) ? getOption(method.method, gatewayOption).post : [];
    return paths.map((path): [string, Route] => [`/v3${path}`, route]);
  });
}

function textOf<D extends DescMessage>(type: D, response: Response<D>): string | Buffer {
  return Buffer.isBuffer(response) ? transcode(type, response) : writeJson(type, response as MessageShape<D>);
}
