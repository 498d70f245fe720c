import { CLUSTER_ID_ENTRY } from "../cluster/cluster-id.js";
import { MEMBER_PREFIX } from "../cluster/member-entry.js";
import { logPages } from "../mvcc/log-pages.js";
import { type News, type QueryStorage, REGISTRY } from "../storage/index.js";
import { ADAPTER_VERSION, ETCD_VERSION } from "../version.js";
import { BLOCK_BYTES, MAGIC } from "./format.js";
import { changesFrame, endFrame, headerFrame, registryFrame } from "./frames.js";

/** What tells one cluster from another, and who is alive in it, is not for a copy of it. */
function belongsToCopy(key: string): boolean {
  return key !== CLUSTER_ID_ENTRY && !key.startsWith(MEMBER_PREFIX);
}

interface BlockOptions {
  readonly size?: number;
  /** Hears how many changes the last block held. */
  readonly onChanges?: (changes: number) => void;
}

/** The state of a storage at one moment, to be written as often as needed. */
export class SnapshotContent {
  private constructor(
    private readonly storage: QueryStorage,
    private readonly start: News,
  ) {}

  static async of(storage: QueryStorage): Promise<SnapshotContent> {
    return new SnapshotContent(storage, await storage.since(REGISTRY));
  }

  /** How many bytes `blocks` gives, unless a compaction changes that: the state is read once for it, and not kept. */
  async size(): Promise<number> {
    let bytes = MAGIC.length;
    for await (const frame of this.frames()) bytes += frame.length;
    return Math.ceil(bytes / BLOCK_BYTES) * BLOCK_BYTES;
  }

  /** The whole snapshot but its digest, of `size` bytes at the least. */
  async *blocks({ size = 0, onChanges }: BlockOptions = {}): AsyncGenerator<Buffer> {
    let bytes = MAGIC.length;
    yield MAGIC;
    for await (const frame of this.frames(onChanges)) {
      bytes += frame.length;
      yield frame;
    }
    const whole = Math.max(size, Math.ceil(bytes / BLOCK_BYTES) * BLOCK_BYTES);
    for (let rest = whole - bytes; rest > 0; rest -= PADDING.length) {
      yield PADDING.subarray(0, Math.min(rest, PADDING.length));
    }
  }

  private async *frames(onChanges?: (changes: number) => void): AsyncGenerator<Buffer> {
    yield headerFrame({
      madeBy: `etcd-adapter ${ADAPTER_VERSION} as etcd ${ETCD_VERSION}`,
      revision: this.start.head.revision.toString(),
    });
    let news = this.start;
    let after = 0n;
    let changes = 0;
    for (;;) {
      const { head, registry } = news;
      const entries = registry.entries.filter(({ key }) => belongsToCopy(key));
      yield registryFrame({ complete: registry.complete, entries });
      for await (const revisions of logPages(this.storage, after, head.revision)) {
        const more = revisions.reduce((sum, revision) => sum + revision.changes.length, 0);
        changes += more;
        yield changesFrame(revisions);
        onChanges?.(more);
      }
      const { compacted } = await this.storage.head();
      if (compacted <= head.revision) {
        yield endFrame({ revision: head.revision.toString(), compacted: compacted.toString(), changes });
        return;
      }
      // A compaction has overtaken the copy and removed some of what it was to hold; later revisions make it whole.
      after = head.revision;
      news = await this.storage.since({ ...REGISTRY, after: head });
    }
  }
}

const PADDING = Buffer.alloc(32 * 1024);
