import type { Socket } from "node:net";
import { Duplex } from "node:stream";

/** A socket's end that a test holds the other end of. */
export class MemorySocket extends Duplex {
  readonly written: Buffer[] = [];
  readonly remoteAddress = "127.0.0.1";
  readonly remotePort = 1;
  /** While set, nothing is taken. */
  isStuck = false;
  private held: (() => void) | undefined;

  constructor() {
    super({ allowHalfOpen: true });
  }

  get asSocket(): Socket {
    return this as unknown as Socket;
  }

  get output(): Buffer {
    return Buffer.concat(this.written);
  }

  setNoDelay(): this {
    return this;
  }

  /** Lets what was held go on. */
  release(): void {
    this.isStuck = false;
    this.held?.();
    this.held = undefined;
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    // a copy: the server uses its memory again once it is told that the write is done
    this.written.push(Buffer.from(chunk));
    if (this.isStuck) this.held = done;
    else done();
  }
}
