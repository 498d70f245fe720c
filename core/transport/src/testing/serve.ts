/** Starts servers for tests, and ends them with the test. */
import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import type { TestContext } from "node:test";
import { StatusError } from "../call/status.js";
import type { Options } from "../options.js";
import { GrpcServer } from "../server.js";
import type { Services, StreamCall } from "../service.js";

export interface Served {
  readonly port: number;
  readonly server: GrpcServer;
  readonly listener: Server;
}

export async function serve(
  test: TestContext,
  services: Services = testServices,
  options: Partial<Options> = {},
): Promise<Served> {
  const server = new GrpcServer(services, options);
  const listener = createServer((socket) => server.accept(socket));
  return await listen(test, server, listener);
}

export async function listen(test: TestContext, server: GrpcServer, listener: Server): Promise<Served> {
  const sockets = new Set<Socket>();
  listener.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  listener.listen(0, "127.0.0.1");
  await once(listener, "listening");
  test.after(() => {
    server.close();
    listener.close();
    for (const socket of sockets) socket.destroy();
  });
  return { port: (listener.address() as AddressInfo).port, server, listener };
}

export const testServices: Services = {
  "test.Echo": {
    /** Answers with the request, at once. */
    Now: { kind: "unary", handle: (request) => request },
    /** Answers with the request, later. */
    Later: { kind: "unary", handle: async (request) => request },
    /** Answers with the request in pieces, some of them empty. */
    Pieces: {
      kind: "unary",
      handle: async (request) => {
        const cut = Math.ceil(request.length / 3);
        return [
          Buffer.alloc(0),
          request.subarray(0, cut),
          Buffer.alloc(0),
          request.subarray(cut),
          Buffer.alloc(0),
        ];
      },
    },
    Fail: {
      kind: "unary",
      handle: async (request) => {
        throw new StatusError(9, request.toString());
      },
    },
    Break: {
      kind: "unary",
      handle: () => {
        throw new Error("secret");
      },
    },
    /** Never answers. */
    Hang: { kind: "unary", handle: () => new Promise<Buffer>(() => {}) },
    /** So many bytes as the request says. */
    Size: { kind: "unary", handle: (request) => Buffer.alloc(Number(request.toString()), 5) },
    Stream: { kind: "stream", clientStreams: true, handle: echoAll },
    Once: { kind: "stream", clientStreams: false, handle: echoAll },
    /** Takes no request until its call is over. */
    Ignore: {
      kind: "stream",
      clientStreams: true,
      handle: ({ context }) => new Promise((_, reject) => context.onAbort(reject)),
    },
  },
};

async function echoAll(call: StreamCall): Promise<void> {
  for await (const request of call.requests) call.send(request);
}
