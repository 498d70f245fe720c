import { create, type DescMessage, type MessageInitShape, type MessageShape } from "@bufbuild/protobuf";
import { Code, EtcdError, StatusError } from "../errors.js";
import {
  DeleteRangeRequestSchema,
  DeleteRangeResponseSchema,
  RangeRequestSchema,
  RangeResponseSchema,
  TxnRequestSchema,
  TxnResponseSchema,
} from "../gen/etcdserverpb/kv_pb.js";
import { LeaseGrantRequestSchema, LeaseGrantResponseSchema } from "../gen/etcdserverpb/lease_pb.js";
import { type CallContext, messageOf, type Service, type UnaryHandler } from "./service.js";

/**
 * A client of the services of this very process, as etcd's lock and election services have one: they get no right
 * and no way around a quota, an alarm or a limit that their caller would not have.
 */
export class LocalClient {
  private readonly handlers = new Map<string, UnaryHandler>();

  constructor(services: readonly Service[]) {
    for (const { methods } of services) {
      for (const method of methods) {
        if (method.kind === "unary") this.handlers.set(method.method.input.typeName, method.handle);
      }
    }
  }

  range(context: CallContext, request: MessageInitShape<typeof RangeRequestSchema>) {
    return this.call(context, RangeRequestSchema, RangeResponseSchema, request);
  }

  deleteRange(context: CallContext, request: MessageInitShape<typeof DeleteRangeRequestSchema>) {
    return this.call(context, DeleteRangeRequestSchema, DeleteRangeResponseSchema, request);
  }

  txn(context: CallContext, request: MessageInitShape<typeof TxnRequestSchema>) {
    return this.call(context, TxnRequestSchema, TxnResponseSchema, request);
  }

  leaseGrant(context: CallContext, request: MessageInitShape<typeof LeaseGrantRequestSchema>) {
    return this.call(context, LeaseGrantRequestSchema, LeaseGrantResponseSchema, request);
  }

  private async call<I extends DescMessage, O extends DescMessage>(
    context: CallContext,
    input: I,
    output: O,
    request: MessageInitShape<I>,
  ): Promise<MessageShape<O>> {
    const handle = this.handlers.get(input.typeName)!;
    return messageOf(output, await handle(create(input, request), context));
  }
}

/** As in etcd, the client inside loses the code of every error on the way to the client outside. */
export async function withoutCodes<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    const isKnown = error instanceof EtcdError || error instanceof StatusError;
    if (isKnown && error.code !== Code.canceled) {
      throw new StatusError(Code.unknown, error.message, { cause: error });
    }
    throw error;
  }
}
