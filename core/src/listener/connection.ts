/** Finds out what a new connection speaks. */
import type { Socket } from "node:net";

/** Every HTTP/1 method has three bytes. */
const HEAD_BYTES = 3;
/** HTTP/2 begins with what is a method of its own to HTTP/1. */
const HTTP2_HEAD = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

export interface Speakers {
  http1(socket: Socket): void;
  http2(socket: Socket): void;
}

/** Hands connections over when their first bytes are there; closes those that stay silent. */
export class Greeter {
  private readonly silent = new Set<Socket>();

  constructor(
    private readonly helloMs: number,
    private readonly speakers: Speakers,
  ) {}

  greet(socket: Socket): void {
    const timer = setTimeout(() => socket.destroy(), this.helloMs);
    const done = () => {
      clearTimeout(timer);
      this.silent.delete(socket);
    };
    let head: Buffer = Buffer.alloc(0);
    const peek = () => {
      head = readHead(socket, head);
      const text = head.toString("latin1", 0, HTTP2_HEAD.length);
      if (head.length < HEAD_BYTES || (text !== HTTP2_HEAD && HTTP2_HEAD.startsWith(text))) {
        return;
      }
      done();
      socket.off("readable", peek).off("close", done);
      socket.unshift(head);
      if (text === HTTP2_HEAD) {
        this.speakers.http2(socket);
      } else {
        this.speakers.http1(socket);
      }
    };
    this.silent.add(socket);
    socket.on("readable", peek).once("close", done);
  }

  /** Closes those that have not said anything yet. */
  close(): void {
    for (const socket of this.silent) {
      socket.destroy();
    }
  }
}

function readHead(socket: Socket, head: Buffer): Buffer {
  let all = head;
  for (let chunk: Buffer | null = socket.read(); chunk !== null; chunk = socket.read()) {
    all = all.length === 0 ? chunk : Buffer.concat([all, chunk]);
  }
  return all;
}
