/** The requests of a call with a stream of them, between the socket and the handler. */

/** What a queued request costs beside its bytes. */
const QUEUED_OVERHEAD_BYTES = 256;

const DONE: IteratorReturnResult<undefined> = { done: true, value: undefined };

interface Waiter {
  resolve(result: IteratorResult<Buffer, undefined>): void;
  reject(reason: unknown): void;
}

export class RequestQueue implements AsyncIterableIterator<Buffer, undefined> {
  /** Of the requests that wait. */
  bytes = 0;
  private items: Buffer[] = [];
  private head = 0;
  private waiter: Waiter | undefined;
  private isEnded = false;
  private failure: Error | undefined;

  /** `onTaken` is told what a request cost when the handler takes it. */
  constructor(private readonly onTaken: (cost: number) => void) {}

  /** Takes a request from the socket; what it costs as long as it waits here. */
  push(request: Buffer): number {
    const { waiter } = this;
    if (waiter !== undefined) {
      this.waiter = undefined;
      waiter.resolve({ done: false, value: request });
      return 0;
    }
    const kept = alone(request);
    this.items.push(kept);
    const cost = costOf(kept);
    this.bytes += cost;
    return cost;
  }

  end(): void {
    this.isEnded = true;
    this.waiter?.resolve(DONE);
    this.waiter = undefined;
  }

  /** What waits is dropped: the call is over. */
  fail(reason: Error): void {
    if (this.failure !== undefined) return;
    this.failure = reason;
    this.items = [];
    this.head = 0;
    this.waiter?.reject(reason);
    this.waiter = undefined;
  }

  next(): Promise<IteratorResult<Buffer, undefined>> {
    if (this.failure !== undefined) return Promise.reject(this.failure);
    const request = this.items[this.head];
    if (request !== undefined) {
      this.advance();
      const cost = costOf(request);
      this.bytes -= cost;
      this.onTaken(cost);
      return Promise.resolve({ done: false, value: request });
    }
    if (this.isEnded) return Promise.resolve(DONE);
    return new Promise((resolve, reject) => {
      this.waiter = { resolve, reject };
    });
  }

  /** The handler reads no further. What still comes is let in up to the stream's window, and no more. */
  return(): Promise<IteratorReturnResult<undefined>> {
    return Promise.resolve(DONE);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  private advance(): void {
    this.head += 1;
    if (this.head === this.items.length) {
      this.items = [];
      this.head = 0;
    } else if (this.head >= 64) {
      this.items = this.items.slice(this.head);
      this.head = 0;
    }
  }
}

/** What waits must not keep more in memory than it is booked with. */
function alone(request: Buffer): Buffer {
  if (request.buffer.byteLength <= 2 * request.length) return request;
  const copy = Buffer.allocUnsafeSlow(request.length);
  request.copy(copy);
  return copy;
}

function costOf(request: Buffer): number {
  return request.length + QUEUED_OVERHEAD_BYTES;
}
