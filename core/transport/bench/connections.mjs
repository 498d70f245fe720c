/**
 * What connections cost the whole adapter on memory storage (Linux; this process is the client).
 *
 * node bench/connections.mjs idle [COUNT]                 that have made a call and rest
 * node bench/connections.mjs churn [PER_SECOND] [SECONDS] that make a call and close
 * node bench/connections.mjs watch [STREAMS] [CONNECTIONS] [EVENTS]  watchers that wait, and then get events
 *
 * BENCH_TRANSPORT=grpc-js measures the other transport. Both ends need `ulimit -n` above the count.
 */
import { once } from "node:events";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { Flag } from "../dist/framing/protocol.js";
import {
  data,
  grpcMessage,
  HELLO,
  headers,
  parseFrames,
  requestHeaders,
  unary,
  windowUpdate,
} from "../dist/testing/frames.js";
import { startAdapter } from "./child.mjs";

const [mode = "idle", ...numbers] = process.argv.slice(2);
const transport = process.env.BENCH_TRANSPORT ?? "own";

/** RangeRequest and PutRequest of key `x`, the latter with value `y`; WatchCreateRequest of key `x`. */
const RANGE = Buffer.from([0x0a, 1, 0x78]);
const PUT = Buffer.from([0x0a, 1, 0x78, 0x12, 1, 0x79]);
const WATCH = Buffer.from([0x0a, 3, 0x0a, 1, 0x78]);
const FIRST_CALL = Buffer.concat([HELLO, unary(1, "/etcdserverpb.KV/Range", RANGE)]);
/** Connections that are opened at once. */
const BATCH = 100;

const { port, usage, stop } = await startAdapter(transport);

/** Tells of every frame that comes. */
function onFrames(socket, listener) {
  let rest = Buffer.alloc(0);
  socket.on("data", (chunk) => {
    const parsed = parseFrames(rest.length === 0 ? chunk : Buffer.concat([rest, chunk]));
    rest = Buffer.from(parsed.rest);
    for (const frame of parsed.frames) listener(frame);
  });
}

async function open(localAddress) {
  const socket = connect({ port, host: "127.0.0.1", localAddress });
  await once(socket, "connect");
  return socket;
}

/** An open connection that has made one call. */
async function call(localAddress) {
  const socket = await open(localAddress);
  socket.write(FIRST_CALL);
  await new Promise((resolve, reject) => {
    socket.once("error", reject).once("close", () => reject(new Error("closed")));
    onFrames(socket, ({ type, flags }) => {
      if (type === 1 && flags === (Flag.endHeaders | Flag.endStream)) resolve();
    });
  });
  socket
    .removeAllListeners()
    .on("error", () => {})
    .resume();
  return socket;
}

async function many(count, make) {
  const sockets = [];
  while (sockets.length < count) {
    const size = Math.min(BATCH, count - sockets.length);
    sockets.push(...(await Promise.all(Array.from({ length: size }, make))));
  }
  return sockets;
}

async function idle([count = 10_000]) {
  const before = await usage();
  const sockets = await many(count, () => call("127.0.0.1"));
  await sleep(3_000);
  const after = await usage();
  await sleep(10_000);
  const later = await usage();
  console.log(
    `${count} idle connections: rss ${mb(after.rss)} MB (${mb(after.rss - before.rss)} more than none), ` +
      `${((later.cpuUs - after.cpuUs) / 100_000).toFixed(2)} % of a CPU`,
  );
  return sockets;
}

async function churn([perSecond = 1_000, seconds = 60]) {
  const before = await usage();
  let done = 0;
  const failures = {};
  const pending = new Set();
  const start = performance.now();
  for (let begun = 0; begun < perSecond * seconds; ) {
    const due = Math.min(perSecond * seconds, ((performance.now() - start) * perSecond) / 1_000);
    for (; begun < due; begun += 1) {
      // addresses of the loopback range, since one has ports for half a minute only
      const one = call(`127.0.${begun % 4}.${1 + (begun % 200)}`)
        .then((socket) => {
          done += 1;
          socket.destroy();
        })
        .catch(({ code, message }) => {
          failures[code ?? message] = (failures[code ?? message] ?? 0) + 1;
        })
        .finally(() => pending.delete(one));
      pending.add(one);
    }
    await sleep(5);
  }
  await Promise.all(pending);
  const after = await usage();
  const failed = Object.values(failures).reduce((total, count) => total + count, 0);
  const perSecondDone = done / ((performance.now() - start) / 1_000);
  const cpu = (after.cpuUs - before.cpuUs) / (done + failed);
  console.log(
    `${done} calls answered, ${failed} failed, ${perSecondDone.toFixed(0)}/s, ${cpu.toFixed(0)} us CPU each, ` +
      `rss ${mb(after.rss)} MB`,
    failures,
  );
  return [];
}

async function watch([streams = 10_000, connections = 100, events = 20]) {
  const before = await usage();
  const perConnection = streams / connections;
  let messages = 0;
  const sockets = await many(connections, async () => {
    const socket = await open("127.0.0.1");
    socket.write(Buffer.concat([HELLO, windowUpdate(0, 2 ** 30)]));
    let own = 0;
    const ready = new Promise((resolve, reject) => {
      socket.once("close", () => reject(new Error("closed")));
      onFrames(socket, ({ type }) => {
        if (type !== 0) return;
        messages += 1;
        own += 1;
        if (own === perConnection) resolve();
      });
    });
    for (let index = 0; index < perConnection; index += 1) {
      const id = 2 * index + 1;
      socket.write(
        Buffer.concat([
          headers(id, requestHeaders("/etcdserverpb.Watch/Watch"), Flag.endHeaders),
          data(id, grpcMessage(WATCH), false),
        ]),
      );
    }
    await ready;
    return socket;
  });
  await sleep(3_000);
  const waiting = await usage();
  const writer = await open("127.0.0.1");
  writer.write(HELLO);
  writer.resume();
  messages = 0;
  const start = performance.now();
  for (let event = 0; event < events; event += 1) {
    writer.write(unary(2 * event + 1, "/etcdserverpb.KV/Put", PUT));
    while (messages < streams * (event + 1)) await sleep(1);
  }
  const seconds = (performance.now() - start) / 1_000;
  const after = await usage();
  const cpu = (after.cpuUs - waiting.cpuUs) / (streams * events);
  console.log(
    `${streams} watchers on ${connections} connections: rss ${mb(waiting.rss)} MB (${mb(waiting.rss - before.rss)} more than none), ` +
      `${events} events to each in ${seconds.toFixed(1)} s, ${cpu.toFixed(1)} us CPU a message, then rss ${mb(after.rss)} MB`,
  );
  return [...sockets, writer];
}

function mb(bytes) {
  return (bytes / 2 ** 20).toFixed(0);
}

for (const socket of await { idle, churn, watch }[mode](numbers.map(Number))) {
  socket.removeAllListeners("close").destroy();
}
await stop();
