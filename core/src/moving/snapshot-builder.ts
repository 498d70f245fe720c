import { MAGIC } from "../snapshot/format.js";
import { changesFrame, endFrame, headerFrame, registryFrame } from "../snapshot/frames.js";
import type { LoggedRevision, RegistryEntry } from "../storage/index.js";
import { ADAPTER_VERSION, ETCD_VERSION } from "../version.js";
import type { SnapshotWriter } from "./snapshot-writer.js";

const FRAME_CHANGES = 2_000;
const FRAME_BYTES = 2 * 1024 * 1024;

/** Puts a snapshot together from what another program holds: one registry, then all revisions in order. */
export class SnapshotBuilder {
  private page: LoggedRevision[] = [];
  private pageChanges = 0;
  private pageBytes = 0;
  private changes = 0;

  constructor(private readonly writer: SnapshotWriter) {}

  async begin(revision: bigint, entries: readonly RegistryEntry[]): Promise<void> {
    await this.writer.write(MAGIC);
    await this.writer.write(
      headerFrame({
        madeBy: `etcd-adapter ${ADAPTER_VERSION} as etcd ${ETCD_VERSION}`,
        revision: revision.toString(),
      }),
    );
    await this.writer.write(registryFrame({ complete: true, entries }));
  }

  async add(revision: LoggedRevision): Promise<void> {
    this.page.push(revision);
    this.changes += revision.changes.length;
    this.pageChanges += revision.changes.length;
    for (const { field } of revision.changes) this.pageBytes += field.length;
    if (this.pageChanges >= FRAME_CHANGES || this.pageBytes >= FRAME_BYTES) await this.flush();
  }

  async end(revision: bigint, compacted: bigint): Promise<void> {
    await this.flush();
    const end = { revision: revision.toString(), compacted: compacted.toString(), changes: this.changes };
    await this.writer.write(endFrame(end));
    await this.writer.seal();
  }

  private async flush(): Promise<void> {
    if (this.page.length === 0) return;
    await this.writer.write(changesFrame(this.page));
    this.page = [];
    this.pageChanges = 0;
    this.pageBytes = 0;
  }
}
