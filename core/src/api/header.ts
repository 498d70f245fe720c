import { create } from "@bufbuild/protobuf";
import { type ResponseHeader, ResponseHeaderSchema } from "../gen/etcdserverpb/header_pb.js";
import { varintSize, writeVarint } from "../mvcc/record.js";

/** Who answers: the same in every response header of a process. */
export interface Identity {
  /** uint64, one for all adapters of a backend. */
  readonly clusterId: bigint;
  /** uint64, this adapter's own. */
  readonly memberId: bigint;
}

/** There are no elections here; etcd's clients want a term of one at least that never falls. */
export const RAFT_TERM = 2n;

const HEADER_TAG = 0x0a;
const REVISION_TAG = 0x18;

/** Response headers, as messages and as the finished bytes of field 1 of every response. */
export class Headers {
  private readonly before: Buffer;
  private readonly behind: Buffer;

  constructor(private readonly identity: Identity) {
    this.before = Buffer.concat([intField(0x08, identity.clusterId), intField(0x10, identity.memberId)]);
    this.behind = intField(0x20, RAFT_TERM);
  }

  message(revision: bigint): ResponseHeader {
    return create(ResponseHeaderSchema, { ...this.identity, revision, raftTerm: RAFT_TERM });
  }

  bytes(revision: bigint): Buffer {
    const middle = revision === 0n ? 0 : 1 + varintSize(revision);
    const length = this.before.length + middle + this.behind.length;
    const out = Buffer.allocUnsafe(2 + length);
    out[0] = HEADER_TAG;
    out[1] = length;
    out.set(this.before, 2);
    let at = 2 + this.before.length;
    if (middle > 0) {
      out[at] = REVISION_TAG;
      at = writeVarint(out, at + 1, revision);
    }
    out.set(this.behind, at);
    return out;
  }
}

function intField(tag: number, value: bigint): Buffer {
  if (value === 0n) return Buffer.alloc(0);
  const out = Buffer.alloc(1 + varintSize(value));
  out[0] = tag;
  writeVarint(out, 1, value);
  return out;
}
