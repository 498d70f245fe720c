import { rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { Code } from "../errors.js";
import { Maintenance } from "../gen/etcdserverpb/maintenance_pb.js";
import { CallError, Endpoint, type EndpointOptions } from "./endpoint.js";
import { convertEtcdSnapshot } from "./etcd-snapshot.js";
import { MovingError } from "./moving-error.js";
import type { Progress } from "./progress.js";
import { rangedSnapshot } from "./ranged-snapshot.js";
import { checkSnapshotFile } from "./snapshot-file.js";
import { SnapshotWriter } from "./snapshot-writer.js";
import type { Source } from "./source.js";

const MIB = 1024 * 1024;
/** A user who is not root may not, and others that speak etcd's protocol can't. */
const REFUSALS: readonly number[] = [Code.permissionDenied, Code.unimplemented];

/** A running etcd, or an adapter. */
export class EndpointSource implements Source {
  readonly path = undefined;
  /** Whether what was saved has the history that HashKV is made of. */
  private hasHistory = true;

  private constructor(private readonly endpoint: Endpoint) {}

  static async open(options: EndpointOptions): Promise<EndpointSource> {
    return new EndpointSource(await Endpoint.connect(options));
  }

  get label(): string {
    return this.endpoint.url;
  }

  /** Its snapshot is of one moment, which no compaction disturbs, and has all; where it is refused, keys are ranged over. */
  async save(path: string, folder: string, progress: Progress): Promise<void> {
    const download = join(folder, "download");
    try {
      await downloadSnapshot(this.endpoint, download, progress);
    } catch (error) {
      if (!(error instanceof CallError) || !REFUSALS.includes(error.code)) throw error;
      progress.note(
        `${this.label} refuses a snapshot (${error.details}), so that its keys are read page by page: ` +
          "history, users and roles are not copied, passwords can't be read this way",
      );
      this.hasHistory = false;
      return rangedSnapshot(this.endpoint, path, folder, progress);
    }
    const { kind } = await checkSnapshotFile(download);
    if (kind === "adapter") return rename(download, path);
    await convertEtcdSnapshot(download, path, folder, progress);
    await rm(download);
  }

  async hash(revision: bigint, compacted: bigint): Promise<number | undefined> {
    if (!this.hasHistory) return undefined;
    const { version } = await this.endpoint.call(Maintenance.method.status, {});
    // Others count the deletions of the compacted revision otherwise.
    if (!version.startsWith("3.6.")) return undefined;
    try {
      const answer = await this.endpoint.call(Maintenance.method.hashKV, { revision });
      return answer.compactRevision === compacted ? answer.hash : undefined;
    } catch (error) {
      if (error instanceof CallError && error.isCompacted) return undefined;
      throw error;
    }
  }

  async close(): Promise<void> {
    this.endpoint.close();
  }
}

/** Maintenance.Snapshot as a file, whatever the format. Its digest is checked. */
export async function downloadSnapshot(endpoint: Endpoint, path: string, progress: Progress): Promise<void> {
  const writer = await SnapshotWriter.create(path);
  let bytes = 0;
  let told = 0;
  try {
    for await (const { blob } of endpoint.stream(Maintenance.method.snapshot, {})) {
      await writer.write(Buffer.from(blob.buffer, blob.byteOffset, blob.length));
      bytes += blob.length;
      if (bytes - told < 64 * MIB) continue;
      told = bytes;
      progress.note(`fetching the snapshot of ${endpoint.url}: ${Math.round(bytes / MIB)} MiB`);
    }
  } catch (error) {
    await writer.abandon();
    throw error;
  }
  if (!(await writer.confirm())) {
    throw new MovingError(`${endpoint.url}: the snapshot ended early or was damaged on its way.`);
  }
}
