import { mkdir, mkdtemp, open, rename, rm, stat, utimes } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

export function cacheFolder(): string {
  return process.env.ETCD_ADAPTER_CACHE ?? join(homedir(), ".cache", "etcd-adapter");
}

export function progress(line: string): void {
  process.stderr.write(`${line}\n`);
}

const heartbeatMs = 2_000;
const staleMs = 20_000;

/**
 * The cache's sub-folder of that key ("etcd-3.6.16"), filled by `fill` if it is not there yet. Of concurrent
 * processes one fills it and the others wait. `fill` writes into a folder that is renamed at the end: what
 * has the key's name is always whole.
 */
export async function cached(key: string, fill: (folder: string) => Promise<void>): Promise<string> {
  const folder = join(cacheFolder(), key);
  if (await exists(folder)) return folder;
  await mkdir(cacheFolder(), { recursive: true });
  const release = await lock(join(cacheFolder(), `${key}.lock`), key);
  try {
    // whoever held the lock before us may have filled it
    if (await exists(folder)) return folder;
    const unfinished = await mkdtemp(join(cacheFolder(), `.${key}-`));
    try {
      await fill(unfinished);
      await rename(unfinished, folder);
    } finally {
      await rm(unfinished, { recursive: true, force: true });
    }
    return folder;
  } finally {
    await release();
  }
}

/**
 * A file that its holder touches every two seconds. The age of the touch tells a dead holder, and not its
 * pid, since the cache may be shared by containers. Two waiters may both find it stale and then both hold
 * it: that costs a second build and breaks nothing, because the rename is atomic and the loser's fails.
 */
async function lock(path: string, key: string): Promise<() => Promise<void>> {
  let waiting = false;
  while (!(await created(path))) {
    const touched = await lastTouched(path);
    if (touched !== undefined && Date.now() - touched > staleMs) {
      await rm(path, { force: true });
      continue;
    }
    if (!waiting) progress(`waiting for another process that prepares ${key}`);
    waiting = true;
    await sleep(500);
  }
  const heartbeat = setInterval(() => {
    const now = new Date();
    utimes(path, now, now).catch(() => {});
  }, heartbeatMs);
  return async () => {
    clearInterval(heartbeat);
    await rm(path, { force: true });
  };
}

async function created(path: string): Promise<boolean> {
  try {
    await (await open(path, "wx")).close();
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

async function lastTouched(path: string): Promise<number | undefined> {
  return (await stat(path).catch(() => undefined))?.mtimeMs;
}

async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined;
}
