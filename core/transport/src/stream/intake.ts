/** From a header block to the exchange that serves it. */
import type { CallHost } from "../call/call.js";
import { ACCEPTED_ENCODINGS, isKnownEncoding, unknownEncoding } from "../call/compression.js";
import { Code } from "../call/status.js";
import { StreamingCall } from "../call/streaming-call.js";
import { UnaryCall } from "../call/unary-call.js";
import type { HeaderBlock } from "../framing/header-blocks.js";
import { ConnectionError, ErrorCode } from "../framing/protocol.js";
import { HpackDecoder } from "../hpack/decoder.js";
import { Field, HpackError } from "../hpack/field.js";
import type { Router } from "../router.js";
import type { OtherHandler } from "../service.js";
import type { Exchange } from "./exchange.js";
import { OtherExchange } from "./other-exchange.js";
import { RefusedRequest } from "./refused-request.js";
import { isTrailersValid, parseRequestHead, type Refusal, type RequestHead } from "./request-head.js";

/** The fields of the block at hand: decoded and used up in one go. */
const fields: Field[] = [];

const HEADERS_TOO_LARGE: Refusal = {
  httpStatus: 431,
  status: { code: Code.resourceExhausted, message: "header list larger than max" },
};

/** Longer blocks are not remembered. */
const KEPT_BLOCK_BYTES = 256;

export class Intake {
  private readonly decoder = new HpackDecoder();
  /** Clients call the same method again and again: its block changes nothing, and means what it meant. */
  private last: { readonly block: Buffer; readonly version: number; readonly head: RequestHead } | undefined;

  constructor(
    private readonly router: Router,
    private readonly maxHeaderListBytes: number,
    private readonly onOther: OtherHandler | undefined,
  ) {}

  /** Decodes the block of trailers, or of any stream that is no more; false if they are malformed. */
  trailers(block: HeaderBlock): boolean {
    this.decode(block);
    return isTrailersValid(fields);
  }

  /** What a request's block says; undefined if it is malformed. */
  head(block: HeaderBlock): RequestHead | Refusal | undefined {
    const { last } = this;
    const { version } = this.decoder;
    if (last !== undefined && last.version === version && isSame(last.block, block)) return last.head;
    const listBytes = this.decode(block);
    if (listBytes > this.maxHeaderListBytes) return HEADERS_TOO_LARGE;
    const head = parseRequestHead(fields);
    const { bytes, start, end } = block;
    if (head !== undefined && version === this.decoder.version && end - start <= KEPT_BLOCK_BYTES) {
      this.last = { block: Buffer.from(bytes.subarray(start, end)), version, head };
    }
    return head;
  }

  /** What serves the request, or why nothing does. */
  exchange(host: CallHost, streamId: number, head: RequestHead, sendWindow: number): Exchange | Refusal {
    const { refusal, subtype, path, encoding } = head;
    if (subtype === undefined && this.onOther !== undefined) {
      return new OtherExchange(host, streamId, head, this.onOther, sendWindow);
    }
    if (refusal !== undefined) {
      return subtype === undefined ? new RefusedRequest(host, streamId, head, refusal, sendWindow) : refusal;
    }
    const method = this.router.find(path);
    if (method === undefined) return { httpStatus: 200, status: this.router.explain(path) };
    if (!isKnownEncoding(encoding)) {
      const accepted = new Field("grpc-accept-encoding", ACCEPTED_ENCODINGS);
      return { httpStatus: 200, status: unknownEncoding(encoding), fields: [accepted] };
    }
    return method.kind === "unary"
      ? new UnaryCall(host, streamId, head, method.handle, sendWindow)
      : new StreamingCall(host, streamId, head, method, sendWindow);
  }

  private decode({ bytes, start, end }: HeaderBlock): number {
    fields.length = 0;
    try {
      return this.decoder.decode(bytes, start, end, fields, this.maxHeaderListBytes);
    } catch (error) {
      if (!(error instanceof HpackError)) throw error;
      throw new ConnectionError(ErrorCode.compressionError, error.message);
    }
  }
}

function isSame(kept: Buffer, { bytes, start, end }: HeaderBlock): boolean {
  const { length } = kept;
  if (end - start !== length) return false;
  for (let index = 0; index < length; index += 1) if (kept[index] !== bytes[start + index]) return false;
  return true;
}
