import type { Change, Head, RegistryWrite } from "@etcd-adapter/core/storage";
import { DELETED, ID_BYTES, LAST, REMOVED } from "./commit-layout.js";

export interface PackedChange extends Change {
  readonly revision: bigint;
  readonly sub: number;
  /** See LAST. */
  readonly last: boolean;
}

/** Reads a packed commit from front to back: the fields first, then all changes, then the registry writes. */
export class UnpackedCommit {
  readonly id: Buffer;
  readonly base: Head;
  readonly head: Head;
  private readonly changeCount: number;
  private readonly registryCount: number;
  private readonly buffer: Buffer;
  private offset = 0;

  constructor(block: ArrayBuffer) {
    this.buffer = Buffer.from(block);
    this.id = this.bytes(ID_BYTES);
    this.base = this.readHead();
    this.head = this.readHead();
    this.changeCount = this.uint32();
    this.registryCount = this.uint32();
  }

  *changes(): Generator<PackedChange> {
    for (let index = 0; index < this.changeCount; index++) {
      const revision = this.int64();
      const previous = this.int64();
      const lease = this.int64();
      const sub = this.uint32();
      const flags = this.buffer[this.offset++]!;
      const keyLength = this.uint32();
      const fieldLength = this.uint32();
      const key = this.bytes(keyLength);
      const field = this.bytes(fieldLength);
      const deleted = (flags & DELETED) !== 0;
      yield { revision, sub, key, field, deleted, previous, lease, last: (flags & LAST) !== 0 };
    }
  }

  *registry(): Generator<RegistryWrite> {
    for (let index = 0; index < this.registryCount; index++) {
      const keyLength = this.uint32();
      const valueLength = this.uint32();
      const key = this.bytes(keyLength).toString();
      yield { key, value: valueLength === REMOVED ? null : this.bytes(valueLength) };
    }
  }

  private readHead(): Head {
    return { sequence: this.int64(), revision: this.int64(), compacted: this.int64() };
  }

  private int64(): bigint {
    this.offset += 8;
    return this.buffer.readBigInt64LE(this.offset - 8);
  }

  private uint32(): number {
    this.offset += 4;
    return this.buffer.readUInt32LE(this.offset - 4);
  }

  private bytes(length: number): Buffer {
    this.offset += length;
    return this.buffer.subarray(this.offset - length, this.offset);
  }
}
