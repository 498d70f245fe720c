import { readFile } from "node:fs/promises";
import { StorageError } from "@etcd-adapter/core/storage";
import type { ZooKeeperOptions } from "./options.js";

/** USER:PASSWORD of the digest scheme, from the options or from the file that they name. */
export async function readAuth({ auth, authFile }: ZooKeeperOptions): Promise<string | undefined> {
  if (authFile === undefined) return auth;
  const text = await readFile(authFile, "utf8").catch((cause: Error) => {
    throw new StorageError("misconfigured", `cannot read ${authFile}: ${cause.message}`, { cause });
  });
  if (text.includes(":")) return text.trim();
  throw new StorageError("misconfigured", `${authFile} must hold USER:PASSWORD`);
}
