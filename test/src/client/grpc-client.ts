import {
  create,
  type DescMessage,
  type DescMethod,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import * as grpc from "@grpc/grpc-js";

type UnaryMethod<I extends DescMessage, O extends DescMessage> = DescMethod & {
  methodKind: "unary";
  input: I;
  output: O;
};
type StreamMethod<I extends DescMessage, O extends DescMessage> = DescMethod & {
  methodKind: "bidi_streaming" | "server_streaming";
  input: I;
  output: O;
};

/** A gRPC status other than OK. */
export class RpcError extends Error {
  constructor(
    readonly code: number,
    readonly details: string,
  ) {
    super(`${code}: ${details}`);
  }
}

/** Calls any method of a description on one endpoint; the same client for a real etcd and for the adapter. */
export class GrpcClient {
  private readonly client: grpc.Client;

  /** `address` is HOST:PORT. */
  constructor(address: string, credentials = grpc.credentials.createInsecure()) {
    this.client = new grpc.Client(address, credentials, {
      "grpc.max_receive_message_length": -1,
      "grpc.max_send_message_length": -1,
      "grpc.use_local_subchannel_pool": 1,
      // it would wait for minutes until it looks again for a server that was away
      "grpc.initial_reconnect_backoff_ms": 100,
      "grpc.max_reconnect_backoff_ms": 500,
    });
  }

  unary<I extends DescMessage, O extends DescMessage>(
    method: UnaryMethod<I, O>,
    request: MessageInitShape<I>,
    options: { metadata?: Record<string, string>; timeoutMs?: number } = {},
  ): Promise<MessageShape<O>> {
    const { promise, resolve, reject } = deferred<MessageShape<O>>();
    this.client.makeUnaryRequest(
      pathOf(method),
      (message: MessageShape<I>) => Buffer.from(toBinary(method.input, message)),
      (bytes) => fromBinary(method.output, bytes),
      create(method.input, request),
      metadataOf(options.metadata),
      { deadline: Date.now() + (options.timeoutMs ?? 30_000) },
      (error, response) => {
        if (error) reject(new RpcError(error.code, error.details));
        else resolve(response!);
      },
    );
    return promise;
  }

  stream<I extends DescMessage, O extends DescMessage>(
    method: StreamMethod<I, O>,
    options: { metadata?: Record<string, string> } = {},
  ): RpcStream<I, O> {
    const call = this.client.makeBidiStreamRequest(
      pathOf(method),
      (message: MessageShape<I>) => Buffer.from(toBinary(method.input, message)),
      (bytes) => fromBinary(method.output, bytes),
      metadataOf(options.metadata),
    );
    return new RpcStream(method.input, call);
  }

  close(): void {
    this.client.close();
  }
}

/** A bidirectional stream; messages are kept until they are taken. */
export class RpcStream<I extends DescMessage, O extends DescMessage> {
  readonly received: MessageShape<O>[] = [];
  /** The status with which the stream ended. */
  status: RpcError | undefined;
  private taken = 0;
  private waiting: (() => void)[] = [];

  constructor(
    private readonly input: I,
    readonly call: grpc.ClientDuplexStream<MessageShape<I>, MessageShape<O>>,
  ) {
    call.on("data", (message: MessageShape<O>) => {
      this.received.push(message);
      this.wake();
    });
    call.on("error", () => {});
    call.on("status", (status: grpc.StatusObject) => {
      this.status = new RpcError(status.code, status.details);
      this.wake();
    });
  }

  send(request: MessageInitShape<I>): void {
    this.call.write(create(this.input, request));
  }

  /** The next message that was not taken yet; undefined when none comes in time or the stream has ended. */
  async next(timeoutMs = 5_000): Promise<MessageShape<O> | undefined> {
    const deadline = Date.now() + timeoutMs;
    while (this.taken >= this.received.length) {
      const left = deadline - Date.now();
      if (this.status || left <= 0) return undefined;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.waiting.push(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
    return this.received[this.taken++];
  }

  halfClose(): void {
    this.call.end();
  }

  cancel(): void {
    this.call.cancel();
  }

  private wake(): void {
    for (const resolve of this.waiting.splice(0)) resolve();
  }
}

function metadataOf(values: Record<string, string> = {}): grpc.Metadata {
  const metadata = new grpc.Metadata();
  for (const [name, value] of Object.entries(values)) metadata.set(name, value);
  return metadata;
}

function pathOf(method: DescMethod): string {
  return `/${method.parent.typeName}/${method.name}`;
}

function deferred<T>(): {
  promise: Promise<T>;
  resolve: (value: T) => void;
  reject: (error: unknown) => void;
} {
  let resolve!: (value: T) => void;
  let reject!: (error: unknown) => void;
  const promise = new Promise<T>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}
