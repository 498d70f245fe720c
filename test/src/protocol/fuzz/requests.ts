/** Valid requests of every method, their fields at random; made of the descriptions, so that none is forgotten. */
import {
  create,
  type DescField,
  type DescMessage,
  type DescMethod,
  getOption,
  hasOption,
  type Message,
  ScalarType,
  toBinary,
  toJsonString,
} from "@bufbuild/protobuf";
import { reflect } from "@bufbuild/protobuf/reflect";
import { gateway } from "@etcd-adapter/core/proto/etcdadapter/gateway_pb";
import { Auth } from "@etcd-adapter/core/proto/etcdserverpb/auth_pb";
import { Cluster } from "@etcd-adapter/core/proto/etcdserverpb/cluster_pb";
import { KV } from "@etcd-adapter/core/proto/etcdserverpb/kv_pb";
import { Lease } from "@etcd-adapter/core/proto/etcdserverpb/lease_pb";
import { Maintenance } from "@etcd-adapter/core/proto/etcdserverpb/maintenance_pb";
import { Watch } from "@etcd-adapter/core/proto/etcdserverpb/watch_pb";
import { Election } from "@etcd-adapter/core/proto/v3electionpb/election_pb";
import { Lock } from "@etcd-adapter/core/proto/v3lockpb/lock_pb";
import type { Random } from "../../histories/random.js";

export interface AnyRequest {
  /** Of the call, as gRPC writes it, and of the gateway. */
  readonly path: string;
  readonly gatewayPath: string | undefined;
  readonly binary: Buffer;
  readonly json: string;
}

/** An alarm would have every later write refused; passwords are hashed for a tenth of a second each. */
const LEFT_OUT = new Set(["Alarm", "AuthEnable", "UserAdd", "UserChangePassword", "Authenticate"]);

const METHODS = [KV, Watch, Lease, Cluster, Maintenance, Auth, Lock, Election]
  .flatMap(({ methods }): readonly DescMethod[] => methods)
  .filter(({ name }) => !LEFT_OUT.has(name));

const NUMBERS = [0n, 1n, 2n, 100n, -1n, 2n ** 31n, 2n ** 63n - 1n, -(2n ** 63n)];

export function anyRequest(random: Random): AnyRequest {
  const method = random.pick(METHODS);
  const message = anyMessage(random, method.input, 0);
  return {
    path: `/${method.parent.typeName}/${method.name}`,
    gatewayPath: hasOption(method, gateway)
      ? `/v3${random.pick(getOption(method, gateway).post)}`
      : undefined,
    binary: Buffer.from(toBinary(method.input, message)),
    json: toJsonString(method.input, message),
  };
}

function anyMessage(random: Random, description: DescMessage, depth: number): Message {
  const message = create(description);
  const fields = reflect(description, message);
  for (const field of description.fields) {
    if (random.chance(0.4)) continue;
    if (field.fieldKind === "list") {
      const list = fields.get(field);
      for (let count = random.below(3); count > 0; count--) {
        const item = anyValue(random, field, depth);
        if (item !== undefined) list.add(item);
      }
    } else if (field.fieldKind !== "map") {
      const value = anyValue(random, field, depth);
      if (value !== undefined) fields.set(field, value as never);
    }
  }
  return message;
}

function anyValue(random: Random, field: DescField, depth: number): unknown {
  const kind = field.fieldKind === "list" ? field.listKind : field.fieldKind;
  if (kind === "message") {
    const description = field.message!;
    return depth > 3 ? undefined : reflect(description, anyMessage(random, description, depth + 1));
  }
  if (kind === "enum") return random.pick(field.enum!.values).number;
  switch (field.scalar) {
    case ScalarType.BYTES:
      return Buffer.from(["", "k", "key", "\0", "k\xff", "k".repeat(300)][random.below(6)]!, "latin1");
    case ScalarType.STRING:
      return random.pick(["", "name", "ü\u0000\ud83d\ude00", "n".repeat(200)]);
    case ScalarType.BOOL:
      return random.chance(0.5);
    case ScalarType.INT64:
      return random.pick(NUMBERS);
    case ScalarType.UINT64:
      return BigInt.asUintN(64, random.pick(NUMBERS));
    default:
      return random.below(100);
  }
}
