import { readFileSync } from "node:fs";
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
import { Code } from "../errors.js";
import { Auth } from "../gen/etcdserverpb/auth_pb.js";
import { Maintenance } from "../gen/etcdserverpb/maintenance_pb.js";
import { Backoff } from "../mvcc/faults.js";
import { MovingError } from "./moving-error.js";

type Method<Kind, I extends DescMessage, O extends DescMessage> = DescMethod & {
  methodKind: Kind;
  input: I;
  output: O;
};

const CONNECT_MS = 5_000;
const CALL_MS = 60_000;
const ATTEMPTS = 8;
const SILENCE: readonly number[] = [Code.unavailable, Code.deadlineExceeded];

export interface EndpointOptions {
  /** http:// or https:// */
  readonly url: string;
  /** Authorities that the server's certificate may be of, PEM file. */
  readonly caFile?: string;
  /** The client's certificate and its key, PEM files. */
  readonly certFile?: string;
  readonly keyFile?: string;
  readonly user?: { readonly name: string; readonly password: string };
}

/** A status other than OK, as a sentence that names the endpoint. */
export class CallError extends MovingError {
  constructor(
    url: string,
    readonly code: number,
    readonly details: string,
  ) {
    const hint = details.includes("user name is empty") ? "; name a user and a password" : "";
    super(`${url}: ${details.replace(/\.$/, "")}${hint}.`);
  }

  get isCompacted(): boolean {
    return this.code === Code.outOfRange && this.details.includes("compacted");
  }
}

/** What reading pages needs of an endpoint. */
export type Caller = Pick<Endpoint, "url" | "call">;

/** A client of a running etcd, or of an adapter: the same for both. */
export class Endpoint {
  private token: string | undefined;

  private constructor(
    private readonly options: EndpointOptions,
    private readonly client: grpc.Client,
  ) {}

  /** Rejects with a sentence if nobody answers, or not to this user. */
  static async connect(options: EndpointOptions): Promise<Endpoint> {
    const { url } = options;
    const { protocol, host, port } = new URL(url);
    const secure = protocol === "https:";
    const client = new grpc.Client(port ? host : `${host}:2379`, credentialsOf(options, secure), {
      "grpc.max_receive_message_length": -1,
      "grpc.max_send_message_length": -1,
      "grpc.use_local_subchannel_pool": 1,
    });
    const endpoint = new Endpoint(options, client);
    try {
      await endpoint.ready();
      await endpoint.authenticate();
      return endpoint;
    } catch (error) {
      client.close();
      throw error;
    }
  }

  get url(): string {
    return this.options.url;
  }

  /** One that can't be reached is tried again for a while, so each request must be one that may be made twice. */
  async call<I extends DescMessage, O extends DescMessage>(
    method: Method<"unary", I, O>,
    request: MessageInitShape<I>,
  ): Promise<MessageShape<O>> {
    const backoff = new Backoff(100, 3_000);
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.callOnce(method, request, CALL_MS);
      } catch (error) {
        if (!(error instanceof CallError) || attempt === ATTEMPTS) throw error;
        if (error.code === Code.unauthenticated && this.options.user) await this.authenticate();
        else if (error.code !== Code.unavailable) throw error;
      }
      await backoff.wait();
    }
  }

  /** Messages of a stream, read only as fast as they are taken. */
  async *stream<I extends DescMessage, O extends DescMessage>(
    method: Method<"server_streaming", I, O>,
    request: MessageInitShape<I>,
  ): AsyncGenerator<MessageShape<O>> {
    const call = this.client.makeServerStreamRequest(
      pathOf(method),
      (message: MessageShape<I>) => Buffer.from(toBinary(method.input, message)),
      (bytes) => fromBinary(method.output, bytes),
      create(method.input, request),
      this.metadata(),
    );
    try {
      for await (const message of call) yield message as MessageShape<O>;
    } catch (error) {
      throw this.failure(error);
    } finally {
      call.cancel();
    }
  }

  /** Sends all requests on one stream and takes an answer to each. */
  async exchange<I extends DescMessage, O extends DescMessage>(
    method: Method<"bidi_streaming", I, O>,
    requests: readonly MessageInitShape<I>[],
  ): Promise<MessageShape<O>[]> {
    const call = this.client.makeBidiStreamRequest(
      pathOf(method),
      (message: MessageShape<I>) => Buffer.from(toBinary(method.input, message)),
      (bytes) => fromBinary(method.output, bytes),
      this.metadata(),
    );
    const answers: MessageShape<O>[] = [];
    try {
      for (const request of requests) call.write(create(method.input, request));
      for await (const answer of call) {
        answers.push(answer as MessageShape<O>);
        if (answers.length === requests.length) break;
      }
      return answers;
    } catch (error) {
      throw this.failure(error);
    } finally {
      call.cancel();
    }
  }

  close(): void {
    this.client.close();
  }

  /** Any answer will do: with access controlled, who has not logged in yet is refused. */
  private async ready(): Promise<void> {
    try {
      await this.callOnce(Maintenance.method.status, {}, CONNECT_MS);
    } catch (error) {
      if (!(error instanceof CallError)) throw error;
      if (!SILENCE.includes(error.code)) return;
      throw new MovingError(`${this.url} can't be reached: ${reasonOf(error)}.`, { cause: error });
    }
  }

  private async authenticate(): Promise<void> {
    const { user } = this.options;
    if (!user) return;
    this.token = undefined;
    try {
      const { token } = await this.callOnce(Auth.method.authenticate, user, CALL_MS);
      this.token = token;
    } catch (error) {
      // A user who is named where nobody need be is no fault.
      if (!(error instanceof CallError) || !error.details.includes("authentication is not enabled"))
        throw error;
    }
  }

  private callOnce<I extends DescMessage, O extends DescMessage>(
    method: Method<"unary", I, O>,
    request: MessageInitShape<I>,
    timeoutMs: number,
  ): Promise<MessageShape<O>> {
    return new Promise((resolve, reject) => {
      this.client.makeUnaryRequest(
        pathOf(method),
        (message: MessageShape<I>) => Buffer.from(toBinary(method.input, message)),
        (bytes) => fromBinary(method.output, bytes),
        create(method.input, request),
        this.metadata(),
        { deadline: Date.now() + timeoutMs },
        (error, response) => {
          if (error) reject(this.failure(error));
          else resolve(response!);
        },
      );
    });
  }

  private metadata(): grpc.Metadata {
    const metadata = new grpc.Metadata();
    if (this.token !== undefined) metadata.set("token", this.token);
    return metadata;
  }

  private failure(error: unknown): unknown {
    const { code, details } = error as Partial<grpc.ServiceError>;
    if (typeof code !== "number" || typeof details !== "string") return error;
    return new CallError(this.url, code, details || `call failed with gRPC status ${code}`);
  }
}

/** What grpc-js says, without what is of use to itself alone. */
function reasonOf({ code, details }: CallError): string {
  if (code === Code.deadlineExceeded) return `no answer within ${CONNECT_MS / 1_000} s`;
  return details
    .replace(/^.*Last error: (Error: )?/, "")
    .replace(/\.? Resolution note:.*$/s, "")
    .replace(/ \(\d{4}-[^)]*\)/, "")
    .replace(/[.\s]+$/, "");
}

function credentialsOf(options: EndpointOptions, secure: boolean): grpc.ChannelCredentials {
  if (!secure) return grpc.credentials.createInsecure();
  const { url, caFile, certFile, keyFile } = options;
  if ((certFile === undefined) !== (keyFile === undefined)) {
    throw new MovingError(`${url}: a client's certificate and its key are needed together.`);
  }
  try {
    return grpc.credentials.createSsl(read(caFile), read(keyFile), read(certFile));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new MovingError(`${url}: the certificates can't be used: ${reason}.`, { cause: error });
  }
}

function read(file: string | undefined): Buffer | null {
  return file === undefined ? null : readFileSync(file);
}

function pathOf(method: DescMethod): string {
  return `/${method.parent.typeName}/${method.name}`;
}
