import { AsyncLocalStorage } from "node:async_hooks";
import { chownSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { idsOf } from "./programs.js";

const folders = new Set<string>();
const place = new AsyncLocalStorage<string>();

/** Makes the folders of what is started inside in that one, in place of the system's. */
export function foldersIn<T>(parent: string, start: () => Promise<T>): Promise<T> {
  return place.run(parent, start);
}

/**
 * A server's own folder, for its data and its log. It outlives a stop, so that a restart finds its data, and
 * goes when this process exits; ETCD_ADAPTER_KEEP_FOLDERS=1 leaves it for reading the log of a failure.
 */
export function temporaryFolder(name: string, user?: string): string {
  const folder = mkdtempSync(join(place.getStore() ?? tmpdir(), `etcd-adapter-${name}-`));
  const ids = idsOf(user);
  if (ids) chownSync(folder, ids.uid, ids.gid);
  folders.add(folder);
  return folder;
}

export function removeFolder(folder: string): void {
  folders.delete(folder);
  if (process.env.ETCD_ADAPTER_KEEP_FOLDERS === "1") return;
  rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
}

export function removeAllFolders(): void {
  for (const folder of folders) removeFolder(folder);
}
