import { Endpoint, type EndpointOptions } from "./endpoint.js";
import { downloadSnapshot } from "./endpoint-source.js";
import { MovingError } from "./moving-error.js";
import type { Progress } from "./progress.js";
import { checkSnapshotFile, type SnapshotFile } from "./snapshot-file.js";

/** What a running server sends as its snapshot, in its own format, as a file. */
export async function saveSnapshot(
  options: EndpointOptions,
  path: string,
  progress: Progress,
): Promise<SnapshotFile> {
  const endpoint = await Endpoint.connect(options);
  try {
    await downloadSnapshot(endpoint, path, progress);
  } catch (error) {
    if (!(error instanceof Error && "syscall" in error)) throw error;
    throw new MovingError(`the snapshot can't be written: ${error.message}.`, { cause: error });
  } finally {
    endpoint.close();
  }
  return checkSnapshotFile(path);
}
