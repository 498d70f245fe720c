import { StorageError, type StorageErrorCode } from "@etcd-adapter/core/storage";

/** Gives what better-sqlite3, the file system and the workers throw a code, and a sentence with the remedy. */
export function storageError(error: unknown, file: string, during: "commit" | "other"): StorageError {
  if (error instanceof StorageError) return error;
  const text = error instanceof Error ? error.message : String(error);
  const code = storageCode(error, during);
  return new StorageError(code, `${sentence(code, file)} (${text})`, { cause: error });
}

function storageCode(error: unknown, during: "commit" | "other"): StorageErrorCode {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  switch (code.replace(/^(SQLITE_[A-Z]+)_.*/, "$1")) {
    case "CONFLICT":
      return "conflict";
    case "WORKER_DIED":
      return during === "commit" ? "uncertain" : "unavailable";
    case "SQLITE_FULL":
    case "ENOSPC":
    case "EDQUOT":
      return "full";
    case "SQLITE_CORRUPT":
    case "SQLITE_NOTADB":
      return "corrupt";
    case "SQLITE_CANTOPEN":
    case "SQLITE_READONLY":
    case "SQLITE_PERM":
    case "EACCES":
    case "EPERM":
    case "EROFS":
    case "ENOTDIR":
    case "EISDIR":
    case "EEXIST":
    case "ENAMETOOLONG":
      return "misconfigured";
    case "SQLITE_IOERR":
      // A sync that failed may have reached the disk all the same: only the log can tell, after the next start.
      return during === "commit" ? "uncertain" : "unavailable";
    case "SQLITE_BUSY":
    case "SQLITE_LOCKED":
    case "SQLITE_PROTOCOL":
    case "SQLITE_NOMEM":
    case "EMFILE":
    case "ENFILE":
    case "EAGAIN":
      return "unavailable";
    default:
      return "internal";
  }
}

function sentence(code: StorageErrorCode, file: string): string {
  switch (code) {
    case "conflict":
      return `${file} has moved on`;
    case "full":
      return `the disk that holds ${file} is full`;
    case "corrupt":
      return `${file} is damaged, or is no SQLite database: restore it from a backup, or move it and its -wal file away to begin with an empty one`;
    case "misconfigured":
      return `${file} can't be opened for writing: give the adapter's user a folder that it may write to, or name another file`;
    case "unavailable":
      return `${file} can't be used now`;
    case "uncertain":
      return `whether ${file} took the commit is unknown`;
    default:
      return `SQLite on ${file}`;
  }
}
