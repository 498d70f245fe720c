/** WatchResponse as finished bytes; one message for all watchers that have the same id and see the same. */
import { create, toBinary } from "@bufbuild/protobuf";
import { WatchResponseSchema } from "../gen/etcdserverpb/watch_pb.js";
import { varintSize, writeVarint } from "../mvcc/record.js";
import type { EventBatch } from "../mvcc/watch/group.js";
import type { Headers } from "./header.js";

const FRAGMENT = Buffer.from([0x38, 1]);
const NO_ID = -1n;

export class WatchMessages {
  private readonly known = new WeakMap<EventBatch, Map<bigint, Buffer>>();

  constructor(private readonly headers: Headers) {}

  created(id: bigint, revision: bigint): Buffer {
    return this.encode({ header: this.headers.message(revision), watchId: id, created: true });
  }

  /** A watcher that never came to be. */
  refused(reason: string, revision: bigint): Buffer {
    return this.encode({
      header: this.headers.message(revision),
      watchId: NO_ID,
      created: true,
      canceled: true,
      cancelReason: reason,
    });
  }

  canceled(id: bigint, revision: bigint): Buffer {
    return this.encode({ header: this.headers.message(revision), watchId: id, canceled: true });
  }

  /** etcd's header has no revision here. */
  compacted(id: bigint, compactRevision: bigint): Buffer {
    return this.encode({
      header: this.headers.message(0n),
      watchId: id,
      canceled: true,
      compactRevision,
    });
  }

  progress(id: bigint, revision: bigint): Buffer {
    return this.encode({ header: this.headers.message(revision), watchId: id });
  }

  events(id: bigint, batch: EventBatch): Buffer {
    let byId = this.known.get(batch);
    if (!byId) {
      byId = new Map();
      this.known.set(batch, byId);
    }
    let message = byId.get(id);
    if (!message) {
      message = this.splice(id, batch.revision, batch.events, false);
      byId.set(id, message);
    }
    return message;
  }

  /** A batch in pieces of about `maxBytes`, all but the last marked as fragments. */
  fragments(id: bigint, batch: EventBatch, maxBytes: number): Buffer[] {
    const messages: Buffer[] = [];
    let piece: Buffer[] = [];
    let bytes = 0;
    for (const event of batch.events) {
      if (piece.length > 0 && bytes + event.length > maxBytes) {
        messages.push(this.splice(id, batch.revision, piece, true));
        piece = [];
        bytes = 0;
      }
      piece.push(event);
      bytes += event.length;
    }
    messages.push(this.splice(id, batch.revision, piece, false));
    return messages;
  }

  private splice(id: bigint, revision: bigint, events: readonly Buffer[], fragment: boolean): Buffer {
    const parts = [this.headers.bytes(revision)];
    if (id !== 0n) parts.push(idField(id));
    if (fragment) parts.push(FRAGMENT);
    return Buffer.concat(parts.concat(events));
  }

  private encode(init: Parameters<typeof create<typeof WatchResponseSchema>>[1]): Buffer {
    return Buffer.from(toBinary(WatchResponseSchema, create(WatchResponseSchema, init)));
  }
}

function idField(id: bigint): Buffer {
  const out = Buffer.allocUnsafe(1 + varintSize(id));
  out[0] = 0x10;
  writeVarint(out, 1, id);
  return out;
}
