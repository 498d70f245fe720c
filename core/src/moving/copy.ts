import { copyIntoEndpoint } from "./copy-into-endpoint.js";
import { copyIntoFile } from "./copy-into-file.js";
import { copyIntoStorage } from "./copy-into-storage.js";
import type { Copying } from "./copying.js";
import { Endpoint } from "./endpoint.js";
import { MovingError } from "./moving-error.js";
import type { Place } from "./places.js";
import type { Progress } from "./progress.js";
import { openSource } from "./source.js";
import { openStorage, type StorageContext } from "./storage-place.js";
import { WorkFolder } from "./work-folder.js";

export interface CopyOptions {
  readonly from: Place;
  readonly to: Place;
  /** Whether what the target holds otherwise is replaced. */
  readonly overwrite: boolean;
  /** Where the source's snapshot is kept meanwhile; undefined: the system's folder for temporary files. */
  readonly workDir: string | undefined;
  readonly context: StorageContext;
  readonly progress: Progress;
}

/**
 * Copies everything from one place to another and compares the two afterwards. Resolves with sentences about what was
 * done; rejects with a MovingError or a StorageError. Made again it goes on, or finds that there is nothing to do.
 */
export async function copy(options: CopyOptions): Promise<readonly string[]> {
  const { from, to, context } = options;
  if (from.label === to.label)
    throw new MovingError(`the source and the target are the same: ${from.label}.`);
  const work = await WorkFolder.open(options.workDir, from.label, to.label);
  try {
    const source = await openSource(from, context);
    try {
      const sentences = await into(to, { ...options, source, work });
      await work.remove();
      return sentences;
    } finally {
      await source.close();
    }
  } finally {
    await work.leave();
  }
}

async function into(to: Place, copying: Copying): Promise<readonly string[]> {
  switch (to.kind) {
    case "file":
      return copyIntoFile(to, copying);
    case "endpoint": {
      const endpoint = await Endpoint.connect(to.options);
      try {
        return await copyIntoEndpoint(endpoint, copying);
      } finally {
        endpoint.close();
      }
    }
    case "storage": {
      const storage = await openStorage(to.choice, copying.context);
      try {
        return await copyIntoStorage(to.label, storage, copying);
      } finally {
        await storage.close();
      }
    }
  }
}
