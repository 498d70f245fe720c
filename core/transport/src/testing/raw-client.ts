/** A client that says exactly what a test wants, over a real socket. */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { ErrorCode, Flag, FrameType } from "../framing/protocol.js";
import { BlockReader, type Frame, HELLO, parseFrames } from "./frames.js";

const PATIENCE_MS = 5_000;

export interface Answer {
  readonly headers: Record<string, string>;
  readonly trailers: Record<string, string>;
  readonly messages: Buffer[];
}

export class RawClient {
  readonly frames: Frame[] = [];
  isClosed = false;
  private rest: Buffer = Buffer.alloc(0);
  private block: Buffer = Buffer.alloc(0);
  private readonly blocks = new BlockReader();
  /** Header lists by stream, in their order. */
  private readonly lists = new Map<number, Record<string, string>[]>();

  private constructor(readonly socket: Socket) {
    socket.on("data", (chunk: Buffer) => this.receive(chunk));
    socket.on("error", () => {});
    socket.on("close", () => {
      this.isClosed = true;
    });
  }

  /** `hello` is what is sent first. */
  static async open(port: number, hello: Buffer = HELLO): Promise<RawClient> {
    const socket = connect(port, "127.0.0.1");
    await once(socket, "connect");
    socket.setNoDelay(true);
    const client = new RawClient(socket);
    if (hello.length > 0) client.send(hello);
    return client;
  }

  send(...parts: Buffer[]): void {
    if (!this.isClosed) this.socket.write(Buffer.concat(parts));
  }

  /** Waits for the first frame that `matches`. */
  async frame(matches: (frame: Frame) => boolean): Promise<Frame> {
    return this.until(() => this.frames.find(matches), "a frame");
  }

  goAway(): Promise<{ code: number; message: string }> {
    return this.until(() => {
      const found = this.frames.findLast(({ type }) => type === FrameType.goaway);
      if (found === undefined) return undefined;
      return { code: found.payload.readUInt32BE(4), message: found.payload.toString("latin1", 8) };
    }, "a GOAWAY");
  }

  async reset(streamId: number): Promise<number> {
    const found = await this.frame(
      (frame) => frame.type === FrameType.rstStream && frame.streamId === streamId,
    );
    return found.payload.readUInt32BE();
  }

  async closed(): Promise<void> {
    await this.until(() => this.isClosed || undefined, "the end of the connection");
  }

  /** The whole answer on a stream. */
  async answer(streamId: number): Promise<Answer> {
    await this.frame((frame) => frame.streamId === streamId && isEnd(frame));
    // trailers that go on in CONTINUATION frames are not there with the first of them
    const lists = await this.until(() => this.lists.get(streamId), "a header block");
    return { headers: lists[0] ?? {}, trailers: lists.at(-1) ?? {}, messages: this.messages(streamId) };
  }

  messages(streamId: number): Buffer[] {
    const isData = (frame: Frame) => frame.type === FrameType.data && frame.streamId === streamId;
    const bytes = Buffer.concat(this.frames.filter(isData).map(({ payload }) => payload));
    const messages: Buffer[] = [];
    for (let at = 0; at + 5 <= bytes.length; ) {
      const end = at + 5 + bytes.readUInt32BE(at + 1);
      if (end > bytes.length) break;
      messages.push(bytes.subarray(at + 5, end));
      at = end;
    }
    return messages;
  }

  /** Bytes of DATA that came on a stream, or on all. */
  dataBytes(streamId?: number): number {
    return this.frames
      .filter((frame) => frame.type === FrameType.data && (streamId ?? frame.streamId) === frame.streamId)
      .reduce((total, { payload }) => total + payload.length, 0);
  }

  async until<T>(look: () => T | undefined, what: string): Promise<T> {
    const deadline = Date.now() + PATIENCE_MS;
    for (;;) {
      const found = look();
      if (found !== undefined) return found;
      if (Date.now() > deadline) throw new Error(`waited in vain for ${what}; got ${this.describe()}`);
      await sleep(2);
    }
  }

  close(): void {
    this.socket.destroy();
  }

  private describe(): string {
    const last = this.frames.slice(-5).map(({ type, flags, streamId, payload }) => {
      return `${type}/${flags} on ${streamId}: ${payload.subarray(0, 40).toString("latin1")}`;
    });
    return `${this.isClosed ? "the end after " : ""}${last.join("; ") || "nothing"}`;
  }

  private receive(chunk: Buffer): void {
    const { frames, rest } = parseFrames(Buffer.concat([this.rest, chunk]));
    this.rest = Buffer.from(rest);
    for (const frame of frames) {
      this.frames.push(frame);
      if (frame.type === FrameType.headers || frame.type === FrameType.continuation) this.readBlock(frame);
    }
  }

  private readBlock({ type, flags, streamId, payload }: Frame): void {
    this.block = type === FrameType.headers ? payload : Buffer.concat([this.block, payload]);
    if ((flags & Flag.endHeaders) === 0) return;
    const list = this.lists.get(streamId) ?? [];
    list.push(this.blocks.read(this.block));
    this.lists.set(streamId, list);
  }
}

function isEnd({ type, flags, payload }: Frame): boolean {
  if (type === FrameType.rstStream) return payload.readUInt32BE() !== ErrorCode.noError;
  return (type === FrameType.headers || type === FrameType.data) && (flags & Flag.endStream) !== 0;
}
