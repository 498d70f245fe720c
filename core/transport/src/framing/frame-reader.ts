/** Cuts what a socket receives into frames, whatever the chunks it comes in. */
import {
  ConnectionError,
  ErrorCode,
  Flag,
  FRAME_BYTES_MAX,
  FRAME_HEADER_BYTES,
  FrameType,
  PREFACE,
  StreamError,
} from "./protocol.js";

export interface FrameSink {
  /** A whole frame of any type but DATA; its payload lies in `bytes` for the time of the call. */
  frame(type: number, flags: number, streamId: number, bytes: Buffer, start: number, end: number): void;
  /** A DATA frame begins; `length` counts against the windows. */
  dataStart(streamId: number, length: number, flags: number): void;
  /** Some of its bytes. */
  data(bytes: Buffer, start: number, end: number): void;
  dataEnd(endStream: boolean): void;
  /** An error of one stream: the rest of the chunk is still good. */
  streamFailed(error: StreamError): void;
}

const NOTHING = Buffer.alloc(0);

export class FrameReader {
  private prefaceBytes = 0;
  /** A frame header or a payload that is not complete yet. */
  private partial = NOTHING;
  private partialBytes = 0;
  private hasHeader = false;
  private length = 0;
  private type = 0;
  private flags = 0;
  private streamId = 0;
  /** Of a DATA frame whose payload is on the way. */
  private dataLeft = 0;
  private paddingLeft = 0;
  private needsPadLength = false;

  constructor(private readonly sink: FrameSink) {}

  get hasPreface(): boolean {
    return this.prefaceBytes === PREFACE.length;
  }

  /** Whether a frame has begun that is not complete. */
  get isInside(): boolean {
    return this.hasHeader || this.partialBytes > 0;
  }

  /** Memory that waits for the rest of a frame. */
  get heldBytes(): number {
    return this.partial.length;
  }

  read(chunk: Buffer): void {
    let at = this.hasPreface ? 0 : this.readPreface(chunk);
    const end = chunk.length;
    while (at < end || (this.hasHeader && this.length === 0)) {
      at = this.hasHeader ? this.readPayload(chunk, at) : this.readHeader(chunk, at);
    }
  }

  private readPreface(chunk: Buffer): number {
    const count = Math.min(PREFACE.length - this.prefaceBytes, chunk.length);
    const expected = PREFACE.subarray(this.prefaceBytes, this.prefaceBytes + count);
    if (!expected.equals(chunk.subarray(0, count))) {
      throw new ConnectionError(ErrorCode.protocolError, "no HTTP/2 connection preface");
    }
    this.prefaceBytes += count;
    return count;
  }

  private readHeader(chunk: Buffer, at: number): number {
    if (this.partialBytes === 0 && chunk.length - at >= FRAME_HEADER_BYTES) {
      this.parseHeader(chunk, at);
      return at + FRAME_HEADER_BYTES;
    }
    const next = this.gather(chunk, at, FRAME_HEADER_BYTES);
    if (this.partialBytes === FRAME_HEADER_BYTES) {
      this.partialBytes = 0;
      this.parseHeader(this.partial, 0);
    }
    return next;
  }

  private parseHeader(bytes: Buffer, at: number): void {
    const high = bytes[at] as number;
    this.length = (high << 16) | ((bytes[at + 1] as number) << 8) | (bytes[at + 2] as number);
    this.type = bytes[at + 3] as number;
    this.flags = bytes[at + 4] as number;
    this.streamId = bytes.readUInt32BE(at + 5) & 0x7fffffff;
    if (this.length > FRAME_BYTES_MAX) {
      throw new ConnectionError(ErrorCode.frameSizeError, `frame of ${this.length} bytes`);
    }
    this.hasHeader = true;
    if (this.type === FrameType.data) this.startData();
  }

  private startData(): void {
    this.needsPadLength = (this.flags & Flag.padded) !== 0;
    if (this.needsPadLength && this.length === 0) {
      throw new ConnectionError(
        ErrorCode.frameSizeError,
        "padded DATA frame without a length of its padding",
      );
    }
    this.dataLeft = this.length;
    this.paddingLeft = 0;
    try {
      this.sink.dataStart(this.streamId, this.length, this.flags);
    } catch (error) {
      this.passStreamError(error);
    }
  }

  private readPayload(chunk: Buffer, at: number): number {
    if (this.type === FrameType.data) return this.readData(chunk, at);
    const { length } = this;
    if (this.partialBytes === 0 && chunk.length - at >= length) {
      this.hasHeader = false;
      this.deliver(chunk, at, at + length);
      return at + length;
    }
    const next = this.gather(chunk, at, length);
    if (this.partialBytes === length) {
      this.partialBytes = 0;
      this.hasHeader = false;
      const payload = this.partial;
      // Between frames a connection keeps no memory for them: there may be ten thousand that rest.
      this.partial = NOTHING;
      this.deliver(payload, 0, length);
    }
    return next;
  }

  private deliver(bytes: Buffer, start: number, end: number): void {
    try {
      this.sink.frame(this.type, this.flags, this.streamId, bytes, start, end);
    } catch (error) {
      this.passStreamError(error);
    }
  }

  private readData(chunk: Buffer, from: number): number {
    let at = from;
    if (this.needsPadLength) {
      this.needsPadLength = false;
      this.paddingLeft = chunk[at++] as number;
      this.dataLeft -= 1 + this.paddingLeft;
      if (this.dataLeft < 0) {
        throw new ConnectionError(ErrorCode.protocolError, "more padding than frame");
      }
    }
    const data = Math.min(this.dataLeft, chunk.length - at);
    if (data > 0) {
      try {
        this.sink.data(chunk, at, at + data);
      } catch (error) {
        this.passStreamError(error);
      }
      this.dataLeft -= data;
      at += data;
    }
    if (this.dataLeft === 0) {
      const padding = Math.min(this.paddingLeft, chunk.length - at);
      this.paddingLeft -= padding;
      at += padding;
      if (this.paddingLeft === 0) {
        this.hasHeader = false;
        this.endData();
      }
    }
    return at;
  }

  private endData(): void {
    try {
      this.sink.dataEnd((this.flags & Flag.endStream) !== 0);
    } catch (error) {
      this.passStreamError(error);
    }
  }

  private passStreamError(error: unknown): void {
    if (!(error instanceof StreamError)) throw error;
    this.sink.streamFailed(error);
  }

  /** Copies into `partial` until it has `wanted` bytes. It grows with what has come, not with what was announced. */
  private gather(chunk: Buffer, at: number, wanted: number): number {
    const count = Math.min(wanted - this.partialBytes, chunk.length - at);
    const needed = this.partialBytes + count;
    if (this.partial.length < needed) {
      const grown = Buffer.allocUnsafeSlow(Math.min(wanted, Math.max(64, needed * 2)));
      this.partial.copy(grown, 0, 0, this.partialBytes);
      this.partial = grown;
    }
    chunk.copy(this.partial, this.partialBytes, at, at + count);
    this.partialBytes = needed;
    return at + count;
  }
}
