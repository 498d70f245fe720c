import {
  create,
  type DescMessage,
  type DescMethod,
  type MessageInitShape,
  type MessageShape,
} from "@bufbuild/protobuf";
import {
  type CallContext,
  messageOf,
  type Service,
  type StreamHandler,
  type UnaryHandler,
} from "../api/service.js";
import { KV } from "../gen/etcdserverpb/kv_pb.js";
import {
  Watch,
  type WatchCreateRequestSchema,
  type WatchResponse,
  WatchResponseSchema,
} from "../gen/etcdserverpb/watch_pb.js";
import { Inbox } from "./inbox.js";

type UnaryMethod<I extends DescMessage, O extends DescMessage> = DescMethod & {
  methodKind: "unary";
  input: I;
  output: O;
};

/** Events that may wait to be taken before the watch pauses, as it does for a slow client on the network. */
const WATCH_BACKLOG = 64;

/**
 * A client of an adapter in the same process, without a port between: etcd's messages in and out, the same checks and
 * errors (EtcdError) as for any client.
 */
export class EmbeddedClient {
  private readonly handlers = new Map<string, UnaryHandler | StreamHandler>();
  private readonly closed = new AbortController();

  constructor(services: readonly Service[]) {
    for (const { service, methods } of services) {
      for (const { method, handle } of methods)
        this.handlers.set(`${service.typeName}.${method.name}`, handle);
    }
  }

  /** Any unary method, such as `KV.method.txn`. */
  async call<I extends DescMessage, O extends DescMessage>(
    method: UnaryMethod<I, O>,
    request: MessageInitShape<I>,
    options: { readonly token?: string; readonly signal?: AbortSignal } = {},
  ): Promise<MessageShape<O>> {
    const handle = this.handlers.get(nameOf(method)) as UnaryHandler;
    return messageOf(method.output, await handle(create(method.input, request), context(options)));
  }

  async put(key: string | Uint8Array, value: string | Uint8Array): Promise<void> {
    await this.call(KV.method.put, { key: bytes(key), value: bytes(value) });
  }

  /** The key's value; undefined when there is none. */
  async get(key: string | Uint8Array): Promise<Buffer | undefined> {
    const { kvs } = await this.call(KV.method.range, { key: bytes(key) });
    return kvs[0] && Buffer.from(kvs[0].value);
  }

  /** Ends the watches; for the adapter, when it stops. */
  close(): void {
    this.closed.abort();
  }

  /** Messages of one watch until `signal` is aborted, the loop over them ends, or the adapter stops. */
  async *watch(
    request: MessageInitShape<typeof WatchCreateRequestSchema>,
    options: { readonly token?: string; readonly signal?: AbortSignal } = {},
  ): AsyncGenerator<WatchResponse> {
    const ended = new AbortController();
    const signals = [this.closed.signal, ended.signal];
    const signal = AbortSignal.any(options.signal ? [...signals, options.signal] : signals);
    const inbox = new Inbox<WatchResponse>(WATCH_BACKLOG, signal);
    const handle = this.handlers.get(nameOf(Watch.method.watch)) as StreamHandler;
    const call = handle({
      context: context({ ...options, signal }),
      requests: once(
        create(Watch.method.watch.input, { requestUnion: { case: "createRequest", value: request } }),
      ),
      send: (response) => inbox.put(messageOf(WatchResponseSchema, response)),
      onDrain: (listener) => inbox.onDrain(listener),
    });
    call.catch((error) => inbox.end(error));
    try {
      yield* inbox;
    } finally {
      ended.abort();
    }
  }
}

function nameOf(method: DescMethod): string {
  return `${method.parent.typeName}.${method.name}`;
}

function bytes(value: string | Uint8Array): Uint8Array {
  return typeof value === "string" ? Buffer.from(value) : value;
}

function context({ token, signal }: { readonly token?: string; readonly signal?: AbortSignal }): CallContext {
  return {
    metadata: (name) => (name === "token" ? token : undefined),
    signal: signal ?? new AbortController().signal,
    peer: { address: "embedded" },
    transport: "embedded",
  };
}

async function* once<T>(value: T): AsyncGenerator<T> {
  yield value;
}
