/** Sends the responses of one connection within the client's windows, its streams taking turns. */

import { PREFIX_BYTES } from "../call/message-reader.js";
import { OK_TRAILERS, PLAIN_HEADERS, ResponseBlocks } from "../call/response-blocks.js";
import { type Output, writeFrameHeader } from "../framing/output.js";
import {
  type ErrorCode,
  Flag,
  FRAME_BYTES_MAX,
  FRAME_HEADER_BYTES,
  FrameType,
  INITIAL_WINDOW_BYTES,
} from "../framing/protocol.js";
import type { Field } from "../hpack/field.js";
import { type OutgoingStream, prefixOf, RAW } from "./outgoing-stream.js";

/** With so much unwritten, streams wait: what a slow socket holds no longer counts against any handler. */
const BACKLOG_BYTES = 262_144;

/** Up to here a whole unary answer is written in one piece. */
const SMALL_MESSAGE_BYTES = 4_096;

export class Sender {
  readonly blocks = new ResponseBlocks();
  /** Of the connection. */
  window = INITIAL_WINDOW_BYTES;
  /** Bytes in the queues of all streams. */
  queuedBytes = 0;
  /** Whether anything was sent since this was last cleared. */
  hasSent = false;
  private dataFrames = 0;

  private firstReady: OutgoingStream | undefined;
  private lastReady: OutgoingStream | undefined;
  private isPumping = false;

  constructor(
    private readonly output: Output,
    private readonly sendQueueBytes: number,
  ) {}

  /** DATA frames sent since this was last asked. */
  takeDataFrames(): number {
    const count = this.dataFrames;
    this.dataFrames = 0;
    return count;
  }

  headers(streamId: number, fields: readonly Field[], endStream: boolean): void {
    this.hasSent = true;
    const block = this.blocks.encode(fields);
    let at = 0;
    do {
      const part = block.subarray(at, at + FRAME_BYTES_MAX);
      const type = at === 0 ? FrameType.headers : FrameType.continuation;
      const endFlag = endStream && at === 0 ? Flag.endStream : 0;
      at += FRAME_BYTES_MAX;
      const flags = at >= block.length ? Flag.endHeaders | endFlag : endFlag;
      this.output.frameHeader(part.length, type, flags, streamId);
      this.output.appendCopy(part);
    } while (at < block.length);
  }

  /** Sends a plain unary answer as a whole if it is small and nothing is in its way; false if it is not. */
  answer(stream: OutgoingStream, message: Buffer): boolean {
    const { length } = message;
    if (length > SMALL_MESSAGE_BYTES || !this.isFree(stream, PREFIX_BYTES + length)) return false;
    const headers = this.blocks.encode(PLAIN_HEADERS);
    const offset = this.output.reserve(2 * FRAME_HEADER_BYTES + headers.length + PREFIX_BYTES + length);
    const { target } = this.output;
    let at = offset;
    writeFrameHeader(target, at, headers.length, FrameType.headers, Flag.endHeaders, stream.id);
    at += FRAME_HEADER_BYTES;
    at += headers.copy(target, at);
    this.writeMessage(target, at, stream, 0, message);
    this.headers(stream.id, OK_TRAILERS, true);
    return true;
  }

  message(stream: OutgoingStream, flag: number, message: Buffer): void {
    const bytes = PREFIX_BYTES + message.length;
    if (message.length <= SMALL_MESSAGE_BYTES && this.isFree(stream, bytes)) {
      const offset = this.output.reserve(FRAME_HEADER_BYTES + bytes);
      this.writeMessage(this.output.target, offset, stream, flag, message);
    } else {
      stream.push(flag, message);
      this.queuedBytes += bytes;
      this.wake(stream);
      this.pump();
    }
  }

  /** Sends a message whose pieces stay where they are. */
  pieces(stream: OutgoingStream, pieces: readonly Buffer[]): void {
    const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
    this.queue(stream, prefixOf(0, length));
    for (const piece of pieces) this.queue(stream, piece);
    this.wake(stream);
    this.pump();
  }

  /** Sends bytes that are no message. */
  raw(stream: OutgoingStream, bytes: Buffer): void {
    this.queue(stream, bytes);
    this.wake(stream);
    this.pump();
  }

  /** Ends the stream behind all that waits; without fields, by an empty DATA frame. */
  trailers(stream: OutgoingStream, fields: readonly Field[]): void {
    stream.trailers = fields;
    if (stream.queuedBytes === 0) this.end(stream);
  }

  reset(streamId: number, code: ErrorCode): void {
    const offset = this.output.reserve(FRAME_HEADER_BYTES + 4);
    writeFrameHeader(this.output.target, offset, 4, FrameType.rstStream, 0, streamId);
    this.output.target.writeUInt32BE(code, offset + FRAME_HEADER_BYTES);
  }

  /** Forgets what a stream still has to send. */
  drop(stream: OutgoingStream): void {
    this.queuedBytes -= stream.queuedBytes;
    stream.drop();
  }

  /** To be called when a stream has got a larger window. */
  wake(stream: OutgoingStream): void {
    if (stream.isReady || stream.queuedBytes === 0 || stream.window <= 0) return;
    stream.isReady = true;
    if (this.lastReady === undefined) this.firstReady = stream;
    else this.lastReady.nextReady = stream;
    this.lastReady = stream;
  }

  /** Sends as much as windows and socket allow, a frame of each stream in turn. */
  pump(): void {
    if (this.isPumping) return;
    this.isPumping = true;
    while (this.firstReady !== undefined && this.window > 0 && this.output.backlog < BACKLOG_BYTES) {
      const stream = this.firstReady;
      this.unlinkFirst(stream);
      if (stream.queuedBytes > 0) this.frameOf(stream);
      if (this.output.isFull) this.output.flush();
    }
    this.isPumping = false;
  }

  private queue(stream: OutgoingStream, bytes: Buffer): void {
    if (bytes.length === 0) return;
    stream.push(RAW, bytes);
    this.queuedBytes += bytes.length;
  }

  private unlinkFirst(stream: OutgoingStream): void {
    this.firstReady = stream.nextReady;
    if (this.firstReady === undefined) this.lastReady = undefined;
    stream.nextReady = undefined;
    stream.isReady = false;
  }

  private frameOf(stream: OutgoingStream): void {
    const bytes = Math.min(stream.queuedBytes, stream.window, this.window, FRAME_BYTES_MAX);
    if (bytes <= 0) return;
    this.output.frameHeader(bytes, FrameType.data, 0, stream.id);
    stream.take(bytes, this.append);
    this.queuedBytes -= bytes;
    this.count(stream, bytes);
    if (stream.isHolding && stream.cost <= this.sendQueueBytes / 2) {
      stream.isHolding = false;
      stream.owner.roomToSend();
    }
    if (stream.queuedBytes > 0) this.wake(stream);
    else if (stream.trailers !== undefined) this.end(stream);
  }

  private readonly append = (bytes: Buffer): void => this.output.append(bytes);

  private end(stream: OutgoingStream): void {
    const fields = stream.trailers ?? OK_TRAILERS;
    if (fields.length > 0) this.headers(stream.id, fields, true);
    else this.output.frameHeader(0, FrameType.data, Flag.endStream, stream.id);
    stream.trailers = undefined;
    stream.owner.responseSent();
  }

  private isFree(stream: OutgoingStream, bytes: number): boolean {
    return (
      stream.queuedBytes === 0 &&
      bytes <= stream.window &&
      bytes <= this.window &&
      this.firstReady === undefined &&
      this.output.backlog < BACKLOG_BYTES
    );
  }

  private writeMessage(
    target: Buffer,
    offset: number,
    stream: OutgoingStream,
    flag: number,
    message: Buffer,
  ): void {
    const bytes = PREFIX_BYTES + message.length;
    writeFrameHeader(target, offset, bytes, FrameType.data, 0, stream.id);
    const at = offset + FRAME_HEADER_BYTES;
    target[at] = flag;
    target.writeUInt32BE(message.length, at + 1);
    message.copy(target, at + PREFIX_BYTES);
    this.count(stream, bytes);
  }

  private count(stream: OutgoingStream, bytes: number): void {
    stream.window -= bytes;
    this.window -= bytes;
    this.dataFrames += 1;
    this.hasSent = true;
  }
}
