/** Header blocks of responses on one connection. */
import { HpackEncoder } from "../hpack/encoder.js";
import { Field } from "../hpack/field.js";

export const STATUS_200 = new Field(":status", "200");
export const CONTENT_TYPE = new Field("content-type", "application/grpc", true);
export const GRPC_STATUS_OK = new Field("grpc-status", "0", true);

export const PLAIN_HEADERS: readonly Field[] = [STATUS_200, CONTENT_TYPE];
export const OK_TRAILERS: readonly Field[] = [GRPC_STATUS_OK];

interface Kept {
  bytes: Buffer;
  version: number;
}

export class ResponseBlocks {
  readonly hpack = new HpackEncoder();
  private readonly headers: Kept = { bytes: Buffer.alloc(0), version: -2 };
  private readonly trailers: Kept = { bytes: Buffer.alloc(0), version: -2 };

  /** The block of `fields`, to be written before the next one is encoded. */
  encode(fields: readonly Field[]): Buffer {
    if (fields === PLAIN_HEADERS) return this.kept(this.headers, fields);
    if (fields === OK_TRAILERS) return this.kept(this.trailers, fields);
    return this.hpack.encode(fields);
  }

  /** Nearly all answers have these two blocks, and their bytes stay the same once the table has their fields. */
  private kept(kept: Kept, fields: readonly Field[]): Buffer {
    const { version } = this.hpack;
    if (kept.version === version) return kept.bytes;
    const block = this.hpack.encode(fields);
    if (version !== this.hpack.version) return block;
    kept.version = version;
    kept.bytes = Buffer.from(block);
    return kept.bytes;
  }
}
