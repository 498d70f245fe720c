/** Calls over gRPC as handlers see them. What grpc-js gives is used by its shape. */
import type { EventEmitter } from "node:events";
import type { Duplex } from "node:stream";
import type { DescMethod } from "@bufbuild/protobuf";
import type { CallContext, Peer, Response, StreamCall } from "../api/service.js";
import { Code, StatusError } from "../errors.js";
import { CallEnd, canceled, deadlineExceeded } from "./call.js";
import type { GrpcMessages } from "./grpc-messages.js";
import type { Peers } from "./peers.js";
import { DONE, RequestReader } from "./request-reader.js";

interface Surface extends EventEmitter {
  readonly cancelled: boolean;
  readonly metadata: { get(name: string): (string | Buffer)[] };
  getPeer(): string;
  getDeadline(): Date | number;
}

type Stream = Surface &
  Pick<Duplex, "read" | "readableEnded" | "writable" | "writableLength"> & {
    write(bytes: Buffer, done?: (error?: Error | null) => void): boolean;
  };

type Message = Parameters<StreamCall["send"]>[0];
type Request = StreamCall["requests"] extends AsyncIterable<infer R> ? R : never;

/** Messages that may be queued are bounded by grpc-js in number (16), and by this in bytes. */
const MAX_QUEUED_BYTES = 1024 * 1024;

export class GrpcContext implements CallContext {
  readonly transport = "grpc";
  readonly end = new CallEnd();
  private watched = false;

  constructor(
    private readonly call: Surface,
    private readonly peers: Peers,
  ) {}

  metadata(name: string): string | undefined {
    return this.call.metadata.get(name).at(-1)?.toString();
  }

  get signal(): AbortSignal {
    this.watch();
    return this.end.signal;
  }

  get peer(): Peer {
    return this.peers.at(this.call.getPeer());
  }

  /** Follows the call's cancellation from now on. */
  watch(): void {
    if (this.watched) {
      return;
    }
    this.watched = true;
    const onCancelled = () => {
      const late = Number(this.call.getDeadline()) <= Date.now();
      this.end.end(late ? deadlineExceeded() : canceled());
    };
    if (this.call.cancelled) {
      onCancelled();
    } else {
      this.call.once("cancelled", onCancelled);
    }
  }
}

export class GrpcStream implements StreamCall {
  readonly context: GrpcContext;
  readonly requests: GrpcRequests;
  private readonly messages: GrpcMessages;
  private queuedBytes = 0;
  private drainListeners: (() => void)[] = [];

  constructor(
    private readonly call: Stream,
    private readonly method: DescMethod,
    { peers, messages }: { readonly peers: Peers; readonly messages: GrpcMessages },
  ) {
    this.messages = messages;
    this.context = new GrpcContext(call, peers);
    this.requests = new GrpcRequests(call, method, messages);
    this.context.end.onEnd((reason) => this.requests.fail(reason));
    this.context.watch();
    call.on("drain", this.drained);
  }

  send(response: Message): boolean {
    const { call } = this;
    if (!call.writable) {
      return false;
    }
    const { output } = this.method;
    const bytes = this.messages.encode(output, response as Response<typeof output>);
    if (call.writableLength === 0) {
      this.queuedBytes = 0;
    }
    this.queuedBytes += bytes.length;
    if (this.queuedBytes > MAX_QUEUED_BYTES) {
      call.write(bytes, this.drained);
      return false;
    }
    return call.write(bytes);
  }

  onDrain(listener: () => void): void {
    this.drainListeners.push(listener);
  }

  private readonly drained = (error?: Error | null): void => {
    if (error) {
      return;
    }
    for (const listener of this.drainListeners) {
      listener();
    }
  };
}

class GrpcRequests extends RequestReader<Request> {
  private started = false;
  private ended = false;
  private taken = 0;

  constructor(
    private readonly call: Stream,
    private readonly method: DescMethod,
    private readonly messages: GrpcMessages,
  ) {
    super();
  }

  protected override poll(): IteratorResult<Request, undefined> | undefined {
    const bytes: Buffer | null = this.call.read();
    if (bytes !== null) {
      this.taken += 1;
      return {
        done: false,
        value: this.messages.decode(this.method.input, bytes, "failed to unmarshal the received message"),
      };
    }
    if (this.ended) {
      this.checkCount();
      return DONE;
    }
    this.start();
    return undefined;
  }

  private start(): void {
    if (this.started) {
      return;
    }
    this.started = true;
    this.call.on("readable", () => this.wake());
    // A cancelled stream ends, too, and says only then that it was cancelled.
    this.call.once("end", () =>
      setImmediate(() => {
        this.ended = true;
        this.wake();
      }),
    );
  }

  private checkCount(): void {
    if (this.taken === 0 && this.method.methodKind === "server_streaming") {
      throw new StatusError(
        Code.internal,
        "cardinality violation: received no request message from non-client-streaming RPC",
      );
    }
  }
}
