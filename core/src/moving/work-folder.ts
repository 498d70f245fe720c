import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { lstat, mkdir, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { MovingError } from "./moving-error.js";

/**
 * Where a copy keeps the source's snapshot until it is done, and what it sorts. The same two places have the same
 * folder, so that a copy that was interrupted goes on with the very state that it began with.
 */
export class WorkFolder {
  private constructor(readonly path: string) {}

  static async open(parent: string | undefined, from: string, to: string): Promise<WorkFolder> {
    const whole = resolve(parent ?? join(tmpdir(), `etcd-adapter-copy-${process.getuid?.() ?? ""}`));
    const name = createHash("sha256").update(`${from}\n${to}`).digest("hex").slice(0, 16);
    const path = join(whole, name);
    try {
      await mkdir(path, { recursive: true, mode: 0o700 });
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new MovingError(`the work folder can't be made: ${reason}.`, { cause: error });
    }
    // Others may write into the system's folder for such files, and make one of this name first.
    const { uid } = await lstat(path);
    if (process.getuid && uid !== process.getuid()) {
      throw new MovingError(`the work folder ${path} is somebody else's; choose another with --work-dir.`);
    }
    const folder = new WorkFolder(path);
    await folder.clean();
    return folder;
  }

  get snapshot(): string {
    return join(this.path, "snapshot");
  }

  get hasSnapshot(): boolean {
    return existsSync(this.snapshot);
  }

  /** A folder for what a sort does not hold in memory. */
  sorting(name: string): string {
    return join(this.path, name);
  }

  /** Of a copy that ended early only the snapshot is of use. */
  async leave(): Promise<void> {
    if (this.hasSnapshot) await this.clean();
    else await this.remove();
  }

  async remove(): Promise<void> {
    await rm(this.path, { recursive: true, force: true });
  }

  /** Removes what an interrupted run has left, but for its snapshot. */
  private async clean(): Promise<void> {
    for (const name of await readdir(this.path)) {
      if (name !== "snapshot") await rm(join(this.path, name), { recursive: true, force: true });
    }
  }
}
