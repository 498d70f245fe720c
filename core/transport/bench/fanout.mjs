/** One event to a thousand streams on eight connections: node bench/fanout.mjs [EVENTS] [ROUNDS]. */
import { once } from "node:events";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { Flag } from "../dist/framing/protocol.js";
import {
  data,
  grpcMessage,
  HELLO,
  headers,
  requestHeaders,
  settings,
  windowUpdate,
} from "../dist/testing/frames.js";
import { startServer } from "./child.mjs";

const [events = 300, rounds = 3] = process.argv.slice(2).map(Number);
const CONNECTIONS = 8;
const STREAMS = 125;
const WINDOW = 2 ** 31 - 1;
/** A DATA frame with an event of 180 bytes. */
const WIRE_BYTES = 9 + 5 + 180;

async function open(port) {
  const socket = connect(port, "127.0.0.1");
  await once(socket, "connect");
  socket.write(Buffer.concat([HELLO, settings([4, WINDOW]), windowUpdate(0, WINDOW - 65_535)]));
  return socket;
}

async function measure(kind) {
  const server = await startServer(kind);
  let received = 0;
  const sockets = await Promise.all(Array.from({ length: CONNECTIONS }, () => open(server.port)));
  for (const socket of sockets) {
    socket.on("data", (chunk) => {
      received += chunk.length;
    });
    for (let index = 0; index < STREAMS; index += 1) {
      socket.write(headers(2 * index + 1, requestHeaders("/bench.Echo/Watch"), Flag.endHeaders));
    }
  }
  const publisher = await open(server.port);
  publisher.resume();
  await sleep(500);
  let id = 1;
  const publish = async (count) => {
    const payload = Buffer.alloc(4);
    payload.writeUInt32BE(count);
    const target = received + count * CONNECTIONS * STREAMS * WIRE_BYTES;
    publisher.write(headers(id, requestHeaders("/bench.Echo/Publish")));
    publisher.write(data(id, grpcMessage(payload)));
    id += 2;
    while (received < target) await sleep(1);
  };
  await publish(20);
  const before = await server.usage();
  const start = performance.now();
  await publish(events);
  const seconds = (performance.now() - start) / 1_000;
  const after = await server.usage();
  for (const socket of [...sockets, publisher]) socket.destroy();
  await server.stop();
  const sent = events * CONNECTIONS * STREAMS;
  return { perSecond: sent / seconds, cpuUs: (after.cpuUs - before.cpuUs) / sent };
}

for (let round = 0; round < rounds; round += 1) {
  const own = await measure("own");
  const other = await measure("grpc-js");
  const show = ({ perSecond, cpuUs }) => `${Math.round(perSecond / 1_000)}k/s ${cpuUs.toFixed(2)} us`;
  const ratio = `${(own.perSecond / other.perSecond).toFixed(1)} x rate, ${(other.cpuUs / own.cpuUs).toFixed(1)} x less CPU`;
  console.log(`own ${show(own)}, grpc-js ${show(other)}: ${ratio}`);
}
