import { StorageError, type StorageErrorCode } from "@etcd-adapter/core/storage";
import { ClientOfflineError, ErrorReply } from "redis";

export type Purpose = "open" | "append";

export function fromRedis(error: unknown, purpose?: Purpose): StorageError {
  if (error instanceof StorageError) return error;
  const text = error instanceof Error ? error.message || error.name : String(error);
  const as = (code: StorageErrorCode) => new StorageError(code, `Redis: ${text}`, { cause: error });
  if (!(error instanceof ErrorReply)) {
    // what was sent and not answered may have been done
    return as(purpose === "append" && !(error instanceof ClientOfflineError) ? "uncertain" : "unavailable");
  }
  if (/^COMPACTED\b/.test(text)) return as("compacted");
  if (/^OOM\b|No space left/.test(text)) return as("full");
  // later a right may be granted again; at the start the program ends with what is missing
  if (/NOAUTH|WRONGPASS|NOPERM/.test(text)) return as(purpose === "open" ? "misconfigured" : "unavailable");
  const refused = /^(LOADING|BUSY|READONLY|MASTERDOWN|NOREPLICAS|CLUSTERDOWN|TRYAGAIN|MISCONF)\b/.test(text);
  return as(refused ? "unavailable" : "internal");
}
