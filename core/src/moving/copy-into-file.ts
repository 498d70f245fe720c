import { existsSync } from "node:fs";
import { copyFile, rename, rm } from "node:fs/promises";
import { type Copying, snapshotOf } from "./copying.js";
import { MovingError } from "./moving-error.js";
import { grouped } from "./progress.js";
import { checkSnapshotFile, readSnapshot } from "./snapshot-file.js";

/** Into a snapshot file of ours. It has its name only when it is whole. */
export async function copyIntoFile(
  { label, path }: { readonly label: string; readonly path: string },
  copying: Copying,
): Promise<readonly string[]> {
  const made = await snapshotOf(copying, false);
  const { digest } = await checkSnapshotFile(made);
  if (existsSync(path)) {
    const present = await checkSnapshotFile(path).catch(() => undefined);
    if (present?.digest && digest && present.digest.equals(digest)) {
      return [`nothing to do: ${label} holds the same as ${copying.source.label}`];
    }
    if (!copying.overwrite) {
      await copying.work.remove();
      throw new MovingError(`${label} exists and holds something else; --overwrite replaces it.`);
    }
  }
  const { end } = await readSnapshot(made);
  await moveInto(made, path);
  const counted = `${grouped(end.changes)} versions up to revision ${end.revision}`;
  return [`copied ${counted} from ${copying.source.label} to ${label}`, `SHA-256 ${digest?.toString("hex")}`];
}

/** The work folder may be on another disk. */
async function moveInto(made: string, path: string): Promise<void> {
  const part = `${path}.${process.pid}.part`;
  try {
    await copyFile(made, part);
    await rename(part, path);
  } catch (error) {
    await rm(part, { force: true });
    const reason = error instanceof Error ? error.message : String(error);
    throw new MovingError(`the snapshot can't be written: ${reason}.`, { cause: error });
  }
}
