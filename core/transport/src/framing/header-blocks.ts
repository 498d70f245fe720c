/** Puts HEADERS and CONTINUATION frames together into header blocks. */
import { ConnectionError, ErrorCode, Flag, StreamError } from "./protocol.js";

const PRIORITY_BYTES = 5;
const NOTHING = Buffer.alloc(0);

export interface HeaderBlock {
  readonly streamId: number;
  readonly endStream: boolean;
  readonly bytes: Buffer;
  readonly start: number;
  readonly end: number;
  /** Of the stream alone: the block has to be decoded first. */
  readonly error: StreamError | undefined;
}

export class HeaderBlocks {
  private streamId = 0;
  private endStream = false;
  private error: StreamError | undefined;
  private partial = NOTHING;
  private continuations = 0;

  constructor(
    private readonly maxBytes: number,
    private readonly maxContinuations: number,
  ) {}

  /** Between the frames of one block no other frame may come. */
  get isInside(): boolean {
    return this.streamId !== 0;
  }

  /** The block of a HEADERS frame; undefined if CONTINUATION frames are to follow. */
  headers(flags: number, streamId: number, bytes: Buffer, from: number, to: number): HeaderBlock | undefined {
    let start = from;
    let end = to;
    if ((flags & Flag.padded) !== 0) {
      const padding = start < end ? (bytes[start] as number) : end - start;
      start += 1;
      end -= padding;
    }
    this.error = undefined;
    if ((flags & Flag.priority) !== 0) {
      if (start + PRIORITY_BYTES <= end) this.error = selfDependency(streamId, bytes, start);
      start += PRIORITY_BYTES;
    }
    if (start > end)
      throw new ConnectionError(ErrorCode.protocolError, "HEADERS frame too short for its flags");
    const endStream = (flags & Flag.endStream) !== 0;
    if ((flags & Flag.endHeaders) !== 0) return { streamId, endStream, bytes, start, end, error: this.error };
    this.streamId = streamId;
    this.endStream = endStream;
    this.continuations = 0;
    this.append(bytes, start, end);
    return undefined;
  }

  continuation(
    flags: number,
    streamId: number,
    bytes: Buffer,
    start: number,
    end: number,
  ): HeaderBlock | undefined {
    if (streamId !== this.streamId || streamId === 0) {
      throw new ConnectionError(ErrorCode.protocolError, "CONTINUATION frame without a header block");
    }
    this.continuations += 1;
    if (this.continuations > this.maxContinuations) {
      throw new ConnectionError(ErrorCode.enhanceYourCalm, "too many CONTINUATION frames");
    }
    this.append(bytes, start, end);
    if ((flags & Flag.endHeaders) === 0) return undefined;
    const { partial, endStream, error } = this;
    this.streamId = 0;
    this.partial = NOTHING;
    return { streamId, endStream, bytes: partial, start: 0, end: partial.length, error };
  }

  private append(bytes: Buffer, start: number, end: number): void {
    if (this.partial.length + end - start > this.maxBytes) {
      throw new ConnectionError(ErrorCode.enhanceYourCalm, "header block too large");
    }
    this.partial = Buffer.concat([this.partial, bytes.subarray(start, end)]);
  }
}

/** Priorities mean nothing here, but a stream that depends on itself is an error all the same (RFC 7540). */
export function selfDependency(streamId: number, bytes: Buffer, at: number): StreamError | undefined {
  const dependency = bytes.readUInt32BE(at) & 0x7fffffff;
  return dependency === streamId
    ? new StreamError(streamId, ErrorCode.protocolError, "stream depends on itself")
    : undefined;
}
