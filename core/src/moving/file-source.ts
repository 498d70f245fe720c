import { convertEtcdSnapshot } from "./etcd-snapshot.js";
import type { Progress } from "./progress.js";
import { checkSnapshotFile, type SnapshotKind } from "./snapshot-file.js";
import type { Source } from "./source.js";

/** A snapshot file, of the adapter or of etcd. */
export class FileSource implements Source {
  private constructor(
    readonly label: string,
    private readonly file: string,
    private readonly kind: SnapshotKind,
  ) {}

  static async open({ label, path }: { label: string; path: string }): Promise<FileSource> {
    const { kind } = await checkSnapshotFile(path);
    return new FileSource(label, path, kind);
  }

  get path(): string | undefined {
    return this.kind === "adapter" ? this.file : undefined;
  }

  save(path: string, folder: string, progress: Progress): Promise<void> {
    return convertEtcdSnapshot(this.file, path, folder, progress);
  }

  async hash(): Promise<undefined> {
    return undefined;
  }

  async close(): Promise<void> {}
}
