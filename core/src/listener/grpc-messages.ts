import { type DescMessage, fromBinary, type MessageShape, toBinary } from "@bufbuild/protobuf";
import type { Pieces } from "../api/pieces.js";
import type { Response } from "../api/service.js";
import { Code, StatusError } from "../errors.js";

/** Transactions nest up to 128 deep, with a message in between each time. */
const READ_OPTIONS = { readUnknownFields: false, recursionLimit: 1_000 };

export function identity(bytes: Buffer): Buffer {
  return bytes;
}

/** Bytes of messages so far, without gRPC's frames around them: as etcd counts. */
export interface MessageBytes {
  received: number;
  sent: number;
}

/** Messages from and to their bytes, which are counted. */
export class GrpcMessages {
  constructor(private readonly bytes: MessageBytes) {}

  /** The message of `bytes`, whose byte fields are views into them. */
  decode<D extends DescMessage>(type: D, bytes: Buffer, what: string): MessageShape<D> {
    this.bytes.received += bytes.length;
    try {
      return fromBinary(type, bytes, READ_OPTIONS);
    } catch (error) {
      const text = (error as Error).message;
      const reason = text === "premature EOF" ? "unexpected EOF" : `proto: ${text}`;
      throw new StatusError(Code.internal, `grpc: ${what}: ${reason}`, { cause: error });
    }
  }

  /** Finished bytes go out as they are. */
  encode<D extends DescMessage>(type: D, response: Response<D>): Buffer {
    const bytes = Buffer.isBuffer(response) ? response : encoded(type, response as MessageShape<D>);
    this.bytes.sent += bytes.length;
    return bytes;
  }

  /** Pieces, for a transport that takes them. */
  count({ buffers, length }: Pieces): readonly Buffer[] {
    this.bytes.sent += length;
    return buffers;
  }
}

function encoded<D extends DescMessage>(type: D, response: MessageShape<D>): Buffer {
  const bytes = toBinary(type, response);
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
