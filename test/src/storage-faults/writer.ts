import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import {
  type Commit,
  type Head,
  isStorageError,
  type QueryStorage,
  REGISTRY,
} from "@etcd-adapter/core/storage";

const RETRY_MS = 20;
const PAGE_CHANGES = 1_000;
/** About as often as the core does: for a third of a second. */
const RESERVES_AFTER_CONFLICT = 50;

/** Commits as the core does: what it computes on is read first, and an unknown outcome is looked up, never guessed. */
export class StorageWriter {
  readonly acknowledged: { readonly sequence: bigint; readonly id: string; readonly values: string[] }[] = [];
  private count = 0;
  private lost = 0;
  private head: Pick<Head, "sequence" | "revision"> = REGISTRY.after;

  constructor(
    private readonly storage: QueryStorage,
    private readonly name: string,
    private readonly rows = 1,
    private readonly valueBytes = 16,
  ) {}

  async run(until: () => boolean): Promise<void> {
    while (!until()) await this.write();
  }

  /** Until it is done. */
  async write(): Promise<void> {
    const values = Array.from({ length: this.rows }, () => `${this.name}-${this.count++}`);
    for (;;) {
      const base = await this.read();
      if (base && (await this.commit(base, values))) return;
    }
  }

  private async read(): Promise<Head | undefined> {
    const query = { ...REGISTRY, after: this.head, reserve: this.lost > 0 };
    const answer = await this.storage.since(query).catch(retriable);
    if (!answer) await sleep(RETRY_MS);
    if (answer) this.head = answer.head;
    if (answer && this.lost > 0) this.lost--;
    return answer?.head;
  }

  private async commit(base: Head, values: string[]): Promise<boolean> {
    const commit = this.commitOf(base, values);
    for (let sent = false; ; await sleep(RETRY_MS)) {
      try {
        await this.storage.commit(commit);
      } catch (error) {
        if (isStorageError(error, "uncertain")) sent = true;
        else if (isStorageError(error, "conflict")) {
          if (!sent || !(await this.isThere(commit))) {
            this.lost = RESERVES_AFTER_CONFLICT;
            return false;
          }
        } else if (!isStorageError(error, "unavailable")) throw error;
        else if (!sent) return false;
        if (!isStorageError(error, "conflict")) continue;
      }
      this.acknowledged.push({ sequence: commit.head.sequence, id: commit.id.toString("hex"), values });
      return true;
    }
  }

  private async isThere({ id, head }: Commit): Promise<boolean> {
    for (;;) {
      const found = await this.storage.commitId(head.sequence).then((id) => ({ id }), retriable);
      if (found) return found.id?.equals(id) ?? false;
      await sleep(RETRY_MS);
    }
  }

  private commitOf(base: Head, values: readonly string[]): Commit {
    const revisions = values.map((value, index) => ({
      revision: base.revision + BigInt(index + 1),
      changes: [
        {
          key: Buffer.from(`${this.name}/${index}`),
          field: Buffer.from(value.padEnd(this.valueBytes)),
          deleted: false,
          previous: 0n,
          lease: 0n,
        },
      ],
    }));
    const head = {
      sequence: base.sequence + 1n,
      revision: base.revision + BigInt(values.length),
      compacted: base.compacted,
    };
    return { id: randomBytes(16), base, head, revisions, registry: [] };
  }
}

function retriable(error: unknown): undefined {
  if (!isStorageError(error, "unavailable")) throw error;
}

/** Every acknowledged commit is there once, at its place, and nothing twice. */
export async function assertCommits(
  storage: QueryStorage,
  writers: readonly StorageWriter[],
): Promise<{ commits: number; revisions: number }> {
  const head = await storage.head();
  const values: string[] = [];
  for (let after = 1n; after < head.revision; ) {
    const query = { after, through: head.revision, interval: null, limit: PAGE_CHANGES, previous: false };
    const page = await storage.changes(query);
    for (const { revision, changes } of page.revisions) {
      assert.equal(revision, BigInt(values.length) + 2n, "revisions have no gap");
      for (const { field } of changes) values.push(field.toString().trimEnd());
    }
    after = page.through;
  }
  assert.equal(new Set(values).size, values.length, "nothing was committed twice");
  const committed = new Set(values);
  for (const { acknowledged } of writers) {
    for (const { sequence, id, values: acknowledgedValues } of acknowledged) {
      for (const value of acknowledgedValues)
        assert.ok(committed.has(value), `${value} was acknowledged and is lost`);
      // Only the newest ids are kept.
      if (head.sequence - sequence < 1_000n)
        assert.equal((await storage.commitId(sequence))?.toString("hex"), id, `the commit ${sequence}`);
    }
  }
  return { commits: Number(head.sequence), revisions: values.length };
}
