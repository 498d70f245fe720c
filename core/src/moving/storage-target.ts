import { randomBytes } from "node:crypto";
import { after } from "../mvcc/keys.js";
import { decodeLease, encodeLease, leaseEntry, leaseOfEntry } from "../mvcc/lease-entry.js";
import { decodeField, encodeField, encodeTombstone, type KeyValue, splitFields } from "../mvcc/record.js";
import { RESTORE_ENTRY } from "../snapshot/index.js";
import {
  type Change,
  type Head,
  isStorageError,
  type QueryStorage,
  REGISTRY,
  type RegistryWrite,
  type Revision,
} from "../storage/index.js";
import { accessEntries } from "./access.js";
import { MovingError } from "./moving-error.js";
import type { Batch, LeaseChanges, Target } from "./target.js";

const PAGE_ROWS = 500;
const REGISTRY_WRITES = 5_000;

/** A plugin's storage, written below the seam: no adapter may be running on it. */
export class StorageTarget implements Target {
  readonly limits = { operations: 1_000, bytes: 4 * 1024 * 1024, concurrency: 1 };
  private head: Head | undefined;

  constructor(
    readonly label: string,
    private readonly storage: QueryStorage,
  ) {}

  async *rows(): AsyncGenerator<KeyValue> {
    let start: Buffer = Buffer.alloc(0);
    let revision = 0n;
    for (;;) {
      const page = await this.storage.range({
        interval: { start, end: null },
        revision,
        limit: PAGE_ROWS,
        count: false,
        descending: false,
        linearizable: true,
      });
      if (revision === 0n) revision = page.head.revision;
      let last: KeyValue | undefined;
      for (const field of splitFields(page.fields)) {
        last = decodeField(field);
        yield last;
      }
      if (!page.more || !last) return;
      start = after(last.key);
    }
  }

  async leases(): Promise<Map<bigint, bigint>> {
    const leases = new Map<bigint, bigint>();
    for (const [key, value] of await this.registry()) {
      const id = leaseOfEntry(key);
      if (id !== undefined) leases.set(id, decodeLease(value).ttlSeconds);
    }
    return leases;
  }

  async access(): Promise<ReadonlyMap<string, Buffer>> {
    return accessEntries(await this.registry());
  }

  changeLeases({ grant, revoke }: LeaseChanges): Promise<void> {
    return this.writeRegistry([
      ...Array.from(grant, ([id, ttlSeconds]) => ({
        key: leaseEntry(id),
        value: encodeLease({ ttlSeconds, stamp: 0n }),
      })),
      ...revoke.map((id) => ({ key: leaseEntry(id), value: null })),
    ]);
  }

  async write({ puts, deletes }: Batch): Promise<void> {
    const { revision: newest } = await this.base();
    const revision = newest + 1n;
    const changes: Change[] = [
      ...puts.map(({ row: { key, value, lease }, present }): Change => {
        const field = encodeField({
          key,
          value,
          lease,
          createRevision: present?.createRevision ?? revision,
          modRevision: revision,
          version: (present?.version ?? 0n) + 1n,
        });
        return { key, field, lease, deleted: false, previous: present?.modRevision ?? 0n };
      }),
      ...deletes.map(({ key, modRevision }): Change => {
        const field = encodeTombstone(key, revision);
        return { key, field, lease: 0n, deleted: true, previous: modRevision };
      }),
    ];
    await this.commit([{ revision, changes }], []);
  }

  async finish(access: ReadonlyMap<string, Buffer>): Promise<void> {
    const present = await this.access();
    const gone = [...present.keys()].filter((key) => !access.has(key));
    const unfinished = (await this.registry()).has(RESTORE_ENTRY) ? [RESTORE_ENTRY] : [];
    await this.writeRegistry([
      ...Array.from(access, ([key, value]) => ({ key, value })),
      ...[...gone, ...unfinished].map((key) => ({ key, value: null })),
    ]);
  }

  private async registry(): Promise<Map<string, Buffer>> {
    const { entries } = (await this.storage.since(REGISTRY)).registry;
    return new Map(entries.flatMap(({ key, value }) => (value ? [[key, value] as const] : [])));
  }

  private async writeRegistry(writes: readonly RegistryWrite[]): Promise<void> {
    for (let at = 0; at < writes.length; at += REGISTRY_WRITES) {
      await this.commit([], writes.slice(at, at + REGISTRY_WRITES));
    }
  }

  private async base(): Promise<Head> {
    this.head ??= await this.storage.head();
    return this.head;
  }

  private async commit(revisions: readonly Revision[], registry: readonly RegistryWrite[]): Promise<void> {
    const base = await this.base();
    const head: Head = {
      sequence: base.sequence + 1n,
      revision: base.revision + BigInt(revisions.length),
      compacted: base.compacted,
    };
    try {
      await this.storage.commit({ id: randomBytes(16), base, head, revisions, registry });
    } catch (error) {
      if (isStorageError(error, "conflict")) throw inUse(this.label, error);
      throw error;
    }
    this.head = head;
  }
}

export function inUse(label: string, cause: unknown): MovingError {
  return new MovingError(`${label}: something else writes there, such as a running adapter; stop it first.`, {
    cause,
  });
}
