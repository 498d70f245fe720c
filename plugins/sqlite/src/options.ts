import { tablePrefix } from "@etcd-adapter/core/storage/sql";
import { z } from "zod";

export const options = z.strictObject({
  /** The database file; its folder is created. Without it, etcd-adapter.db in the adapter's data folder. */
  path: z.string().min(1).optional(),
  "table-prefix": tablePrefix,
  /** How long to wait for a lock that another program, such as the sqlite3 shell, holds on the file. */
  "busy-timeout-ms": z.coerce.number().int().min(0).max(600_000).default(5_000),
  /** Page cache of each of the three connections. */
  "cache-size-mib": z.coerce.number().int().min(1).max(65_536).default(8),
});

export type SqliteOptions = z.infer<typeof options>;

const FORMS = "write sqlite:FILE, sqlite:///absolute/path/to/FILE, or sqlite: alone for the data folder";

/** `sqlite:`, `sqlite:FILE` or `sqlite:///FILE`, each with `?option=value&…` behind it if need be. */
export function fromUrl(url: string): unknown {
  const rest = url.replace(/^sqlite:/i, "");
  const mark = rest.indexOf("?");
  const location = mark < 0 ? rest : rest.slice(0, mark);
  const settings = mark < 0 ? {} : Object.fromEntries(new URLSearchParams(rest.slice(mark + 1)));
  if (location === ":memory:") throw new Error("sqlite keeps its data in a file: write memory: instead");
  if (/^\/\/[^/]/.test(location)) throw new Error(`the storage ${url} names a host: ${FORMS}`);
  const path = decode(location.replace(/^\/\//, ""), url);
  return path === "" ? settings : { ...settings, path };
}

function decode(path: string, url: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    throw new Error(`the storage ${url} holds a % that no two hexadecimal digits follow: ${FORMS}`);
  }
}
