import { execFileSync } from "node:child_process";
import {
  chmodSync,
  closeSync,
  fstatSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  rmSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { foldersIn, temporaryFolder } from "./folders.js";
import { idsOf, run } from "./programs.js";

const CHUNK = Buffer.alloc(64 * 1024, 1);

/** A file system of its own, which can be filled up; mounting it takes root. */
export class SmallDisk {
  static readonly available = mayMount();
  private readonly ballast: string;
  private mounted = true;

  private constructor(readonly folder: string) {
    this.ballast = join(folder, "ballast");
    // Before the folders are removed.
    process.prependOnceListener("exit", () => this.detach());
  }

  /** `user`: the system's user who owns it; without, root does. */
  static async mount(megabytes: number, user?: string): Promise<SmallDisk> {
    const parent = temporaryFolder("disk");
    // Database servers are not root.
    chmodSync(parent, 0o755);
    const folder = join(parent, "small");
    mkdirSync(folder);
    const { uid, gid } = idsOf(user) ?? { uid: 0, gid: 0 };
    const options = `size=${megabytes}m,mode=755,uid=${uid},gid=${gid}`;
    await run("mount", ["-t", "tmpfs", "-o", options, "tmpfs", folder]);
    return new SmallDisk(folder);
  }

  /** What is started inside has its folders on this disk. */
  use<T>(start: () => Promise<T>): Promise<T> {
    return foldersIn(this.folder, start);
  }

  /** Leaves no byte free, or so many. */
  fill(leave = 0): void {
    const file = openSync(this.ballast, "a");
    try {
      for (let size = CHUNK.length; size >= 1; size = size >> 1)
        while (appended(file, CHUNK.subarray(0, size)));
      if (leave > 0) ftruncateSync(file, Math.max(0, fstatSync(file).size - leave));
    } finally {
      closeSync(file);
    }
  }

  free(): void {
    rmSync(this.ballast, { force: true });
  }

  /** Whoever uses it has ended. */
  detach(): void {
    if (!this.mounted) return;
    this.mounted = false;
    execFileSync("umount", ["--lazy", this.folder]);
  }
}

/** Root may not everywhere: not in most containers. */
function mayMount(): boolean {
  if (process.getuid?.() !== 0) return false;
  const folder = temporaryFolder("disk");
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=1m", "tmpfs", folder], { stdio: "ignore" });
  } catch {
    return false;
  }
  execFileSync("umount", [folder]);
  return true;
}

function appended(file: number, bytes: Buffer): boolean {
  try {
    return writeSync(file, bytes) === bytes.length;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOSPC") return false;
    throw error;
  }
}
