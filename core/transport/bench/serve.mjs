/**
 * The same two methods on this transport and on grpc-js, for the other scripts to measure.
 * node serve.mjs own|grpc-js [PORT]; prints its port, and on SIGUSR2 its CPU and memory.
 */
import { createServer } from "node:net";
import { GrpcServer } from "../dist/index.js";

const [kind = "own", port = "0"] = process.argv.slice(2);
const ANSWER = Buffer.alloc(26, 7);
const EVENT_BYTES = 180;

/** Sends of all open streams; one that is told to wait loses what comes until it may go on. */
const watchers = new Set();

/** Publishes as many events as the request says, each one buffer for all watchers. */
async function publish(request) {
  for (let left = request.readUInt32BE(0); left > 0; left -= 1) {
    const event = Buffer.alloc(EVENT_BYTES, left);
    for (const send of watchers) send(event);
    // as a commit would, let the loop turn between events
    await new Promise((resolve) => setImmediate(resolve));
  }
  return ANSWER;
}
const ready = (address) => console.log(JSON.stringify({ port: address.port, pid: process.pid }));

// an exit of its own accord writes the profile of --cpu-prof
process.on("SIGTERM", () => process.exit(0));
process.on("SIGUSR2", () => {
  const { user, system } = process.cpuUsage();
  const { rss, heapUsed } = process.memoryUsage();
  console.log(JSON.stringify({ cpuUs: user + system, rss, heapUsed }));
});

if (kind === "own") {
  const server = new GrpcServer({
    "bench.Echo": {
      Fixed: { kind: "unary", handle: async () => ANSWER },
      Echo: { kind: "unary", handle: async (request) => request },
      Publish: { kind: "unary", handle: publish },
      Watch: {
        kind: "stream",
        clientStreams: true,
        handle: (call) => {
          const send = (event) => call.send(event);
          watchers.add(send);
          return new Promise((resolve) => {
            call.context.onAbort(() => {
              watchers.delete(send);
              resolve();
            });
          });
        },
      },
    },
  });
  const listener = createServer((socket) => server.accept(socket));
  listener.listen({ host: "127.0.0.1", port: Number(port), backlog: 4096 }, () => ready(listener.address()));
} else {
  const grpc = await import("@grpc/grpc-js");
  const server = new grpc.Server();
  const same = (bytes) => bytes;
  const unary = (handle) => (call, callback) => {
    handle(call.request).then((message) => callback(null, message), callback);
  };
  server.register(
    "/bench.Echo/Fixed",
    unary(async () => ANSWER),
    same,
    same,
    "unary",
  );
  server.register(
    "/bench.Echo/Echo",
    unary(async (request) => request),
    same,
    same,
    "unary",
  );
  server.register("/bench.Echo/Publish", unary(publish), same, same, "unary");
  const watch = (call) => {
    const send = (event) => call.write(event);
    watchers.add(send);
    call.on("cancelled", () => watchers.delete(send));
  };
  server.register("/bench.Echo/Watch", watch, same, same, "bidi");
  server.bindAsync(`127.0.0.1:${port}`, grpc.ServerCredentials.createInsecure(), (error, bound) => {
    if (error) throw error;
    ready({ port: bound });
  });
}
