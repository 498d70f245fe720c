import type { Commit, Head } from "@etcd-adapter/core/storage";
import { lastChanges } from "@etcd-adapter/core/storage/sql";
import { CHANGE_BYTES, DELETED, LAST, PREFIX_BYTES, REGISTRY_BYTES, REMOVED } from "./commit-layout.js";

export function packCommit(commit: Commit): ArrayBuffer {
  const registry = commit.registry.map(({ key, value }) => ({ key: Buffer.from(key), value }));
  const out = new Packer(packedBytes(commit, registry));
  out.bytes(commit.id);
  out.head(commit.base);
  out.head(commit.head);
  const count = commit.revisions.reduce((sum, { changes }) => sum + changes.length, 0);
  // The only change is its key's last.
  const last = count > 1 && new Set(lastChanges(commit.revisions).map(({ change }) => change));
  out.uint32(count);
  out.uint32(registry.length);
  for (const { revision, changes } of commit.revisions) {
    for (const [sub, change] of changes.entries()) {
      out.int64(revision);
      out.int64(change.previous);
      out.int64(change.lease);
      out.uint32(sub);
      out.uint8((change.deleted ? DELETED : 0) | (!last || last.has(change) ? LAST : 0));
      out.uint32(change.key.length);
      out.uint32(change.field.length);
      out.bytes(change.key);
      out.bytes(change.field);
    }
  }
  for (const { key, value } of registry) {
    out.uint32(key.length);
    out.uint32(value ? value.length : REMOVED);
    out.bytes(key);
    if (value) out.bytes(value);
  }
  return out.block;
}

class Packer {
  readonly block: ArrayBuffer;
  private readonly view: DataView;
  private readonly buffer: Uint8Array;
  private offset = 0;

  constructor(bytes: number) {
    this.block = new ArrayBuffer(bytes);
    this.view = new DataView(this.block);
    this.buffer = new Uint8Array(this.block);
  }

  head({ sequence, revision, compacted }: Head): void {
    this.int64(sequence);
    this.int64(revision);
    this.int64(compacted);
  }

  int64(value: bigint): void {
    this.view.setBigInt64(this.offset, value, true);
    this.offset += 8;
  }

  uint32(value: number): void {
    this.view.setUint32(this.offset, value, true);
    this.offset += 4;
  }

  uint8(value: number): void {
    this.view.setUint8(this.offset, value);
    this.offset += 1;
  }

  bytes(value: Uint8Array): void {
    this.buffer.set(value, this.offset);
    this.offset += value.length;
  }
}

function packedBytes(commit: Commit, registry: readonly { key: Buffer; value: Buffer | null }[]): number {
  let bytes = PREFIX_BYTES;
  for (const { changes } of commit.revisions) {
    for (const { key, field } of changes) bytes += CHANGE_BYTES + key.length + field.length;
  }
  for (const { key, value } of registry) bytes += REGISTRY_BYTES + key.length + (value?.length ?? 0);
  return bytes;
}
