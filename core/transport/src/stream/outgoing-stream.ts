import { PREFIX_BYTES } from "../call/message-reader.js";
import type { Field } from "../hpack/field.js";

interface QueuedMessage {
  readonly flag: number;
  readonly bytes: Buffer;
}

/** What a queued message costs beside its bytes. */
const QUEUED_OVERHEAD_BYTES = 64;

const NOTHING_QUEUED: QueuedMessage[] = [];

/** In place of a flag: bytes that are no message. */
export const RAW = -1;

/** What goes before a message of `length` bytes. */
export function prefixOf(flag: number, length: number): Buffer {
  const prefix = Buffer.allocUnsafe(PREFIX_BYTES);
  prefix[0] = flag;
  prefix.writeUInt32BE(length, 1);
  return prefix;
}

function prefixBytes(flag: number): number {
  return flag === RAW ? 0 : PREFIX_BYTES;
}

/** Less in a whole time-out is no progress, be it byte by byte. */
const PROGRESS_BYTES = 16_384;

/** The sending half of a call: what waits for the client's window. */
export class OutgoingStream {
  /** Bytes of DATA that wait, prefixes included. */
  queuedBytes = 0;
  /** To be sent behind the last message. */
  trailers: readonly Field[] | undefined;
  /** In the sender's list of streams that can go on. */
  isReady = false;
  nextReady: OutgoingStream | undefined;
  /** Asked its handler to wait. */
  isHolding = false;

  private queue = NOTHING_QUEUED;
  private head = 0;
  /** Bytes of the first message, prefix included, that are sent. */
  private sentOfHead = 0;
  private stalledMs = 0;
  private queuedAtProgress = 0;

  constructor(
    readonly id: number,
    public window: number,
    /** Told when a stream that is holding has room again, and when the trailers are sent. */
    readonly owner: { roomToSend(): void; responseSent(): void },
  ) {}

  get cost(): number {
    return this.queuedBytes + (this.queue.length - this.head) * QUEUED_OVERHEAD_BYTES;
  }

  /** A message with its prefix's flag, or RAW bytes that have none. */
  push(flag: number, bytes: Buffer): void {
    if (this.queue === NOTHING_QUEUED) this.queue = [];
    this.queue.push({ flag, bytes });
    this.queuedBytes += prefixBytes(flag) + bytes.length;
  }

  /** Hands the next `count` bytes to `append`, and forgets them. */
  take(count: number, append: (bytes: Buffer) => void): void {
    this.queuedBytes -= count;
    let left = count;
    while (left > 0) {
      const { flag, bytes } = this.queue[this.head] as QueuedMessage;
      const prefixed = prefixBytes(flag);
      if (this.sentOfHead < prefixed) {
        const part = prefixOf(flag, bytes.length).subarray(this.sentOfHead, this.sentOfHead + left);
        append(part);
        left -= part.length;
        this.sentOfHead += part.length;
      }
      if (left > 0) {
        const from = this.sentOfHead - prefixed;
        const part = bytes.subarray(from, from + left);
        append(part);
        left -= part.length;
        this.sentOfHead += part.length;
      }
      if (this.sentOfHead === prefixed + bytes.length) this.advance();
    }
  }

  /** For how long a stream to which nothing is added any more has had no progress, `ms` after the last look. */
  stalled(ms: number): number {
    const { queuedBytes, queuedAtProgress } = this;
    const hasProgress = queuedBytes <= queuedAtProgress - PROGRESS_BYTES || queuedBytes > queuedAtProgress;
    if (queuedBytes === 0 || hasProgress) {
      this.queuedAtProgress = queuedBytes;
      this.stalledMs = 0;
    } else {
      this.stalledMs += ms;
    }
    return this.stalledMs;
  }

  drop(): void {
    this.queue = NOTHING_QUEUED;
    this.head = 0;
    this.sentOfHead = 0;
    this.queuedBytes = 0;
    this.trailers = undefined;
  }

  private advance(): void {
    this.head += 1;
    this.sentOfHead = 0;
    // so that a long queue neither shifts on every message nor keeps what was sent
    if (this.head === this.queue.length || this.head >= 64) {
      this.queue = this.queue.slice(this.head);
      this.head = 0;
    }
  }
}
