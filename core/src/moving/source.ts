import { EndpointSource } from "./endpoint-source.js";
import { FileSource } from "./file-source.js";
import type { Place } from "./places.js";
import type { Progress } from "./progress.js";
import { openStorage, type StorageContext } from "./storage-place.js";
import { StorageSource } from "./storage-source.js";

/** Where data comes from, as a snapshot of one moment. */
export interface Source {
  readonly label: string;
  /** A snapshot of ours that is there already; undefined where one has to be made. */
  readonly path: string | undefined;
  /** Writes one to `path`, using `folder` for what is too large for memory. */
  save(path: string, folder: string, progress: Progress): Promise<void>;
  /** HashKV at `revision`; undefined if the source can't tell, or has been compacted otherwise than `compacted`. */
  hash(revision: bigint, compacted: bigint): Promise<number | undefined>;
  close(): Promise<void>;
}

export async function openSource(place: Place, context: StorageContext): Promise<Source> {
  switch (place.kind) {
    case "endpoint":
      return EndpointSource.open(place.options);
    case "file":
      return FileSource.open(place);
    case "storage":
      return StorageSource.open(place.label, await openStorage(place.choice, context));
  }
}
