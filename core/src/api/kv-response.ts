/** KV responses as finished bytes: key-values are spliced in as they were committed. */
import type { DeleteResult, OperationResult, PutResult, RangeResult, TxnResult } from "../mvcc/operations.js";
import { varintSize, writeVarint } from "../mvcc/record.js";
import type { Headers } from "./header.js";
import { Pieces } from "./pieces.js";

/** From here on a copy costs more than writing pieces. */
const LONG_BYTES = 16 * 1024;

const HEADER_TAG = 0x0a;
const REVISION_TAG = 0x18;
const MORE = Buffer.from([0x18, 1]);
const SUCCEEDED = Buffer.from([0x10, 1]);
const RESPONSES_TAG = 0x1a;
const OP_TAGS = { range: 0x0a, put: 0x12, delete: 0x1a, txn: 0x22 } as const;

export class KvResponses {
  constructor(private readonly headers: Headers) {}

  range(result: RangeResult): Buffer | Pieces {
    const parts = rangeParts(this.headers.bytes(result.revision), result);
    return result.fields.length < LONG_BYTES ? Buffer.concat(parts) : new Pieces(parts);
  }

  put(result: PutResult): Buffer {
    return Buffer.concat(putParts(this.headers.bytes(result.revision), result));
  }

  delete(result: DeleteResult): Buffer {
    return Buffer.concat(deleteParts(this.headers.bytes(result.revision), result));
  }

  txn(result: TxnResult): Buffer {
    return Buffer.concat(txnParts(this.headers.bytes(result.revision), result));
  }
}

function rangeParts(header: Buffer, result: RangeResult): Buffer[] {
  const parts = [header, result.fields];
  if (result.more) parts.push(MORE);
  if (result.count !== 0n) parts.push(intField(0x20, result.count));
  return parts;
}

function putParts(header: Buffer, result: PutResult): Buffer[] {
  return result.previous ? [header, result.previous] : [header];
}

function deleteParts(header: Buffer, result: DeleteResult): Buffer[] {
  const parts = [header];
  if (result.deleted !== 0n) parts.push(intField(0x10, result.deleted));
  return parts.concat(result.previous);
}

function txnParts(header: Buffer, result: TxnResult): Buffer[] {
  const parts = [header];
  if (result.succeeded) parts.push(SUCCEEDED);
  for (const response of result.responses) {
    const op = wrap(OP_TAGS[response.type], nestedParts(response));
    parts.push(...wrap(RESPONSES_TAG, op));
  }
  return parts;
}

/** Inside a transaction headers hold the revision only, and a nested transaction's nothing at all. */
function nestedParts(result: OperationResult): Buffer[] {
  switch (result.type) {
    case "range":
      return rangeParts(revisionHeader(result.revision), result);
    case "put":
      return putParts(revisionHeader(result.revision), result);
    case "delete":
      return deleteParts(revisionHeader(result.revision), result);
    case "txn":
      return txnParts(Buffer.from([HEADER_TAG, 0]), result);
  }
}

function revisionHeader(revision: bigint): Buffer {
  const field = intField(REVISION_TAG, revision);
  return Buffer.concat([Buffer.from([HEADER_TAG, field.length]), field]);
}

function intField(tag: number, value: bigint): Buffer {
  const out = Buffer.allocUnsafe(1 + varintSize(value));
  out[0] = tag;
  writeVarint(out, 1, value);
  return out;
}

function wrap(tag: number, parts: Buffer[]): Buffer[] {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  return [intField(tag, BigInt(length)), ...parts];
}
