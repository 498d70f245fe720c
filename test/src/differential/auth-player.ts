import { toJson } from "@bufbuild/protobuf";
import { Auth } from "@etcd-adapter/core/proto/etcdserverpb/auth_pb";
import { Lease } from "@etcd-adapter/core/proto/etcdserverpb/lease_pb";
import { Watch } from "@etcd-adapter/core/proto/etcdserverpb/watch_pb";
import { GrpcClient, RpcError } from "../client/grpc-client.js";
import { type AuthStep, type CallerName, UNARY } from "./auth-steps.js";
import type { Json } from "./normalise.js";

type Fields = { [key: string]: Json };
type Metadata = Record<string, string>;

/** Plays steps on one server, with the tokens that this server gave. */
export class AuthPlayer {
  private readonly client: GrpcClient;
  private readonly tokens = new Map<string, string>();

  constructor(address: string) {
    this.client = new GrpcClient(address);
  }

  async play(step: AuthStep): Promise<Json> {
    try {
      return await this.attempt(step);
    } catch (error) {
      if (!(error instanceof RpcError)) throw error;
      return { error: { code: error.code, message: error.details } };
    }
  }

  close(): void {
    this.client.close();
  }

  private async attempt(step: AuthStep): Promise<Json> {
    switch (step.kind) {
      case "signIn": {
        const { token } = await this.client.unary(Auth.method.authenticate, step);
        this.tokens.set(step.name, token);
        return "a token";
      }
      case "call": {
        const method = UNARY[step.method];
        const response = await this.client.unary(method, step.request, { metadata: this.metadata(step.as) });
        return settled(toJson(method.output, response) as Fields);
      }
      case "keepAlive": {
        const stream = this.client.stream(Lease.method.leaseKeepAlive, { metadata: this.metadata(step.as) });
        stream.send({ ID: step.id });
        const response = await stream.next();
        if (!response) throw stream.status ?? new Error("no answer to a keep-alive");
        stream.cancel();
        return { TTL: response.TTL.toString(), revision: String(response.header?.revision) };
      }
      case "watch": {
        const stream = this.client.stream(Watch.method.watch, { metadata: this.metadata(step.as) });
        const { key, rangeEnd } = step;
        stream.send({ requestUnion: { case: "createRequest", value: { key, rangeEnd } } });
        const response = await stream.next();
        stream.cancel();
        if (!response) throw stream.status ?? new Error("no answer to a watch");
        const { watchId, created, canceled, cancelReason, header } = response;
        const revision = String(header?.revision);
        return { watchId: watchId.toString(), created, canceled, cancelReason, revision };
      }
    }
  }

  private metadata(caller: CallerName): Metadata {
    if (caller === "garbage") return { token: "garbage" };
    const token = this.tokens.get(caller);
    return token === undefined ? {} : { token };
  }
}

/** Takes out what may differ: who answers, seconds left, and the order of what has none. */
function settled(answer: Fields): Json {
  const header = answer.header as Fields | undefined;
  for (const name of ["clusterId", "memberId", "raftTerm"]) delete header?.[name];
  if (answer.grantedTTL !== undefined) delete answer.TTL;
  (answer.keys as string[] | undefined)?.sort();
  (answer.leases as Fields[] | undefined)?.sort((a, b) => String(a.ID).localeCompare(String(b.ID)));
  return answer;
}
