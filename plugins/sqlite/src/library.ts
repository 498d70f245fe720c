import { StorageError } from "@etcd-adapter/core/storage";
import type BetterSqlite from "better-sqlite3";

export type Library = typeof BetterSqlite;

/** better-sqlite3, loaded only when it is wanted: it is native code that a machine may lack. */
export async function loadLibrary(): Promise<Library> {
  try {
    const library = (await import("better-sqlite3")).default;
    // The native part is loaded by the first database.
    new library(":memory:").close();
    return library;
  } catch (cause) {
    throw new StorageError(
      "misconfigured",
      "the sqlite storage needs the package better-sqlite3, whose native part is missing here: run " +
        "`npm rebuild better-sqlite3` (which needs Python and a C++ compiler where it finds no ready-made one), " +
        "or choose another storage",
      { cause },
    );
  }
}
