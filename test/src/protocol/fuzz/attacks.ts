/** One client each, who does something odd and goes. */
import net from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { Random } from "../../histories/random.js";
import {
  atMost,
  END_HEADERS,
  END_STREAM,
  FrameType,
  frame,
  header,
  MAX_FRAME_BYTES,
  PREFACE,
} from "./http2.js";
import { mutated, pieces } from "./mutate.js";
import { anyRequest } from "./requests.js";

export interface Place {
  readonly port: number;
  readonly url: string;
}

export type Attack = (random: Random, place: Place) => Promise<void>;

const HELLOS = [
  "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
  "GET /health HTTP/1.1\r\nHost: a\r\n\r\n",
  "\x16\x03\x01\x02\x00\x01",
  "PRX",
  "\0\0\0",
];
const LONGEST_MS = 400;

/**
 * Messages over gRPC: valid, broken inside, or with a broken frame around them; several calls on one connection, cut
 * anywhere. Written by hand: Node 20's own client can fall into an endless loop when it is ended with data left to send.
 */
export const grpc: Attack = async (random, { port }) => {
  const parts = [PREFACE, frame(FrameType.settings, 0, 0, Buffer.alloc(0))];
  for (let call = 1 + random.below(4), id = 1; call > 0; call--, id += 2) parts.push(...callOf(random, id));
  const whole = Buffer.concat(parts);
  await send(random, port, pieces(random, random.chance(0.9) ? whole : mutated(random, whole)));
};

function callOf(random: Random, id: number): Buffer[] {
  const { path, binary } = anyRequest(random);
  const head = [
    header(":method", random.chance(0.98) ? "POST" : "GET"),
    header(":scheme", "http"),
    header(":path", random.chance(0.95) ? path : mutated(random, Buffer.from(path)).toString("latin1")),
    header("content-type", random.chance(0.95) ? "application/grpc" : "text/plain"),
    header("te", "trailers"),
    ...(random.chance(0.1) ? [header("grpc-timeout", random.pick(["1n", "50m", "99999999H", "x", ""]))] : []),
    ...(random.chance(0.1) ? [header("grpc-encoding", random.pick(["gzip", "identity", "snappy"]))] : []),
  ];
  const messages = Array.from({ length: 1 + random.below(3) }, () => messageOf(random, binary));
  const body = pieces(random, Buffer.concat(messages)).flatMap((piece) => atMost(piece, MAX_FRAME_BYTES));
  const ended = random.chance(0.7);
  return [
    ...[...atMost(Buffer.concat(head), MAX_FRAME_BYTES)].map((piece, index, all) =>
      frame(
        index === 0 ? FrameType.headers : FrameType.continuation,
        index === all.length - 1 ? END_HEADERS : 0,
        id,
        piece,
      ),
    ),
    ...body.map((piece, index) =>
      frame(FrameType.data, ended && index === body.length - 1 ? END_STREAM : 0, id, piece),
    ),
    ...(random.chance(0.2) ? [frame(FrameType.reset, 0, id, Buffer.from([0, 0, 0, 8]))] : []),
  ];
}

function messageOf(random: Random, binary: Buffer): Buffer {
  const message = random.chance(0.4) ? binary : mutated(random, binary);
  const out = Buffer.alloc(5 + message.length);
  out[0] = random.chance(0.95) ? 0 : random.below(256);
  out.writeUInt32BE(random.chance(0.95) ? message.length : random.below(2 ** 32), 1);
  message.copy(out, 5);
  return out;
}

/** JSON over HTTP/1.1: valid, broken, in any chunks, slowly, and with heads that promise something else. */
export const gateway: Attack = async (random, { port }) => {
  const { gatewayPath = "/v3/kv/range", json } = anyRequest(random);
  const text = Buffer.from(json);
  const body = random.chance(0.4) ? text : mutated(random, text);
  const chunked = random.chance(0.3);
  const length = random.chance(0.9) ? body.length : random.below(2 ** 31);
  const head = [
    `${random.chance(0.95) ? "POST" : random.pick(["GET", "PUT", "HEAD", "OPTIONS"])} ${gatewayPath} HTTP/1.1`,
    "Host: localhost",
    chunked ? "Transfer-Encoding: chunked" : `Content-Length: ${length}`,
    ...(random.chance(0.1)
      ? [`Authorization: ${random.pick(["x", "Bearer a.b.c", "\x80".repeat(50)])}`]
      : []),
  ].join("\r\n");
  const whole = Buffer.concat([
    Buffer.from(
      random.chance(0.95)
        ? `${head}\r\n\r\n`
        : mutated(random, Buffer.from(`${head}\r\n\r\n`)).toString("latin1"),
      "latin1",
    ),
    chunked ? inChunks(random, body) : body,
  ]);
  await send(random, port, pieces(random, whole));
};

function inChunks(random: Random, body: Buffer): Buffer {
  const parts = pieces(random, body).filter(({ length }) => length > 0);
  const size = (part: Buffer) => (random.chance(0.97) ? part.length : random.below(2 ** 31)).toString(16);
  return Buffer.concat([
    ...parts.flatMap((part) => [Buffer.from(`${size(part)}\r\n`), part, Buffer.from("\r\n")]),
    Buffer.from(random.chance(0.9) ? "0\r\n\r\n" : "0\r\n"),
  ]);
}

/** What a connection begins with, before anybody knows what it speaks. */
export const firstBytes: Attack = async (random, { port }) => {
  const hello = Buffer.from(random.pick(HELLOS), "latin1");
  await send(random, port, pieces(random, random.chance(0.3) ? hello : mutated(random, hello)));
};

/** Connects and leaves, saying little or nothing. */
export const connect: Attack = (random, { port }) =>
  new Promise((resolve) => {
    const socket = net.connect(port, "127.0.0.1", () => {
      if (random.chance(0.5)) socket.write(random.pick(["P", "PRI * HTTP/2.0\r\n\r\n", "G", "\x16"]));
      if (random.chance(0.5)) socket.resetAndDestroy();
      else socket.end();
    });
    socket.on("error", () => {});
    socket.on("close", () => resolve());
    socket.resume();
    socket.setTimeout(2_000, () => socket.destroy());
  });

/** Writes piece by piece and waits for an answer or for long enough. */
async function send(random: Random, port: number, parts: readonly Buffer[]): Promise<void> {
  const socket = net.connect(port, "127.0.0.1");
  socket.on("error", () => {});
  const closed = new Promise<void>((resolve) => {
    socket.once("close", () => resolve());
  });
  const answered = new Promise<void>((resolve) => {
    socket.once("data", () => resolve());
  });
  for (const part of parts) {
    if (socket.destroyed) return;
    socket.write(part);
    if (random.chance(0.3)) await sleep(random.chance(0.1) ? random.below(LONGEST_MS) : random.below(5));
  }
  const ended = random.chance(0.2);
  if (ended) socket.end();
  await Promise.race([closed, answered, sleep(random.below(LONGEST_MS))]);
  // A reset of one that was ended, too, leaves its handle open for ever: Node 20 then never exits.
  if (!ended && random.chance(0.5)) socket.resetAndDestroy();
  else socket.destroy();
}
