/** Cuts the bytes of a request's DATA frames into gRPC messages. */
import { Code, StatusError } from "./status.js";

export const PREFIX_BYTES = 5;

export interface MessageSink {
  message(compressed: number, message: Buffer): void;
}

/** Shorter ones are cheaper to copy than a view is to make. */
const VIEW_BYTES_MIN = 8_192;

const NOTHING = Buffer.alloc(0);

export class MessageReader {
  private partial = NOTHING;
  private partialBytes = 0;

  constructor(
    private readonly sink: MessageSink,
    private readonly maxBytes: number,
  ) {}

  /** Bytes of a message that is not complete. */
  get pendingBytes(): number {
    return this.partialBytes;
  }

  read(bytes: Buffer, start: number, end: number): void {
    let at = start;
    while (at < end) {
      if (this.partialBytes > 0) {
        at = this.complete(bytes, at, end);
        continue;
      }
      const length = end - at >= PREFIX_BYTES ? this.lengthAt(bytes, at) : undefined;
      const next = at + PREFIX_BYTES + (length ?? 0);
      if (length === undefined || next > end) {
        this.gather(bytes, at, end);
        return;
      }
      this.sink.message(bytes[at] as number, own(bytes, at + PREFIX_BYTES, next));
      at = next;
    }
  }

  private complete(bytes: Buffer, from: number, end: number): number {
    let at = from;
    if (this.partialBytes < PREFIX_BYTES) {
      at = Math.min(end, at + PREFIX_BYTES - this.partialBytes);
      this.gather(bytes, from, at);
      if (this.partialBytes < PREFIX_BYTES) return at;
    }
    const wanted = PREFIX_BYTES + this.lengthAt(this.partial, 0);
    const next = Math.min(end, at + wanted - this.partialBytes);
    this.gather(bytes, at, next);
    if (this.partialBytes === wanted) {
      const whole = this.partial;
      this.partial = NOTHING;
      this.partialBytes = 0;
      this.sink.message(whole[0] as number, whole.subarray(PREFIX_BYTES, wanted));
    }
    return next;
  }

  private lengthAt(bytes: Buffer, at: number): number {
    const length = bytes.readUInt32BE(at + 1);
    if (length > this.maxBytes) {
      const message = `grpc: received message larger than max (${length} vs. ${this.maxBytes})`;
      throw new StatusError(Code.resourceExhausted, message);
    }
    return length;
  }

  /** Memory grows with what came, not with the length that was announced. */
  private gather(bytes: Buffer, start: number, end: number): void {
    const needed = this.partialBytes + end - start;
    if (this.partial.length < needed) {
      const announced = this.partialBytes >= PREFIX_BYTES ? PREFIX_BYTES + this.lengthAt(this.partial, 0) : 0;
      const most = Math.max(announced, needed);
      const grown = Buffer.allocUnsafeSlow(Math.min(most, Math.max(64, needed * 2)));
      this.partial.copy(grown, 0, 0, this.partialBytes);
      this.partial = grown;
    }
    bytes.copy(this.partial, this.partialBytes, start, end);
    this.partialBytes = needed;
  }
}

/**
 * A message for its handler to keep. As a view of a chunk in which it is but a small part, each value that is
 * kept would keep all of what came with it.
 */
function own(bytes: Buffer, start: number, end: number): Buffer {
  const length = end - start;
  if (length >= VIEW_BYTES_MIN && length * 2 >= bytes.length) return bytes.subarray(start, end);
  const copy = Buffer.allocUnsafe(length);
  bytes.copy(copy, 0, start, end);
  return copy;
}
