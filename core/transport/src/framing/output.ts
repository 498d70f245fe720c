/** What one connection has to write: frames gather in blocks and go out once per turn of the event loop. */
import type { Socket } from "node:net";
import { type BlockPool, type Flusher, SMALL_BLOCK_BYTES } from "./blocks.js";
import { FRAME_HEADER_BYTES, FrameType } from "./protocol.js";

/** Up to here a copy costs less than one more piece of a scattered write. */
const COPY_BYTES_MAX = 4_096;

/** So much is not kept waiting for the end of the turn. */
const FLUSH_BYTES = 131_072;

export class Output {
  /** Writes that the socket has done. */
  writesDone = 0;
  private block: Buffer | undefined;
  private start = 0;
  private at = 0;
  private pieces: Buffer[] = [];
  private pendingBytes = 0;
  /** The last write did not fit into a small block: nor may the next one. */
  private neededLarge = false;
  private isQueued = false;
  private closed = false;
  /** Blocks with bytes that are not written yet, full ones before the current one. */
  private filled: Buffer[] = [];
  /** Blocks that the socket still reads from, oldest write first, and how many each write has. */
  private readonly inFlight: Buffer[] = [];
  private readonly inFlightCounts: number[] = [];

  constructor(
    private readonly socket: Socket,
    private readonly pool: BlockPool,
    private readonly flusher: Flusher,
    /** Called when a write is done. */
    private readonly onProgress: () => void,
  ) {}

  /** Bytes that the other end has not taken yet, as far as this process can see. */
  get backlog(): number {
    return this.pendingBytes + this.socket.writableLength;
  }

  /** A place for `bytes` (at most a block), to be filled at once: the offset in the buffer that `target` is. */
  reserve(bytes: number): number {
    if (this.block === undefined || this.at + bytes > this.block.length) this.nextBlock(bytes);
    const offset = this.at;
    this.at += bytes;
    this.added(bytes);
    return offset;
  }

  get target(): Buffer {
    return this.block as Buffer;
  }

  frameHeader(length: number, type: number, flags: number, streamId: number): void {
    const offset = this.reserve(FRAME_HEADER_BYTES);
    writeFrameHeader(this.target, offset, length, type, flags, streamId);
  }

  /** Appends bytes; long ones are not copied, so nobody may change them any more. */
  append(bytes: Buffer): void {
    if (bytes.length <= COPY_BYTES_MAX) {
      const offset = this.reserve(bytes.length);
      bytes.copy(this.target, offset);
      return;
    }
    this.cut();
    this.pieces.push(bytes);
    this.added(bytes.length);
  }

  /** Appends bytes (at most a block) that may change afterwards. */
  appendCopy(bytes: Buffer): void {
    const offset = this.reserve(bytes.length);
    bytes.copy(this.target, offset);
  }

  windowUpdate(streamId: number, increment: number): void {
    this.frameHeader(4, FrameType.windowUpdate, 0, streamId);
    const offset = this.reserve(4);
    this.target.writeUInt32BE(increment, offset);
  }

  flush(): void {
    this.isQueued = false;
    if (this.closed || this.pendingBytes === 0) return;
    this.neededLarge = this.pendingBytes > SMALL_BLOCK_BYTES;
    this.cut();
    const { pieces, socket } = this;
    this.pieces = [];
    this.pendingBytes = 0;
    // the rest of the block serves the next write only once this one is done
    const blocks = this.filled;
    if (this.block !== undefined) blocks.push(this.block);
    this.block = undefined;
    this.filled = [];
    this.inFlight.push(...blocks);
    this.inFlightCounts.push(blocks.length);
    if (pieces.length === 1) {
      socket.write(pieces[0] as Buffer, this.written);
      return;
    }
    socket.cork();
    const last = pieces.length - 1;
    for (let index = 0; index < last; index += 1) socket.write(pieces[index] as Buffer);
    socket.write(pieces[last] as Buffer, this.written);
    socket.uncork();
  }

  /** Forgets what is not written. Blocks that the socket reads from are left to the garbage collector. */
  close(): void {
    this.closed = true;
    this.pieces = [];
    this.filled = [];
    this.block = undefined;
    this.pendingBytes = 0;
  }

  private readonly written = (error?: Error | null): void => {
    this.writesDone += 1;
    const count = this.inFlightCounts.shift() ?? 0;
    for (let index = 0; index < count; index += 1) {
      const block = this.inFlight.shift();
      if (block !== undefined && !error) this.pool.give(block);
    }
    if (!this.closed) this.onProgress();
  };

  private added(bytes: number): void {
    this.pendingBytes += bytes;
    if (!this.isQueued) {
      this.isQueued = true;
      this.flusher.add(this);
    }
  }

  get isFull(): boolean {
    return this.pendingBytes >= FLUSH_BYTES;
  }

  /** Ends the piece that is being filled. */
  private cut(): void {
    if (this.block !== undefined && this.at > this.start) {
      this.pieces.push(this.block.subarray(this.start, this.at));
      this.start = this.at;
    }
  }

  private nextBlock(bytes: number): void {
    this.cut();
    const isSmall = this.block === undefined && bytes <= SMALL_BLOCK_BYTES && !this.neededLarge;
    if (this.block !== undefined) this.filled.push(this.block);
    this.block = isSmall ? this.pool.takeSmall() : this.pool.take();
    this.start = 0;
    this.at = 0;
  }
}

export function writeFrameHeader(
  target: Buffer,
  offset: number,
  length: number,
  type: number,
  flags: number,
  streamId: number,
): void {
  target[offset] = length >>> 16;
  target[offset + 1] = length >>> 8;
  target[offset + 2] = length;
  target[offset + 3] = type;
  target[offset + 4] = flags;
  target[offset + 5] = streamId >>> 24;
  target[offset + 6] = streamId >>> 16;
  target[offset + 7] = streamId >>> 8;
  target[offset + 8] = streamId;
}
